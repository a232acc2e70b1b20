import { type Digest, ZERO_DIGEST } from '../digest.ts'
import { BATCH_BLOCKS, BATCH_BLOCKS_MAX, BATCH_SLOTS_MAX, WANTS_MAX } from './limits.ts'
import { answerCommittee } from './epochs.ts'
import { finalAt, isFinalizing } from './finalise.ts'
import type { BatchItem, PeerId, Want } from './messages.ts'
import { emitEffect, type EngineState, send, setTimer, wantsPayloads, type WantState } from './state.ts'

/** Asks for a header that votes or certificates name. */
export function wantBlock(state: EngineState, digest: Digest): void {
  if (!state.blocks.has(digest)) want(state, digest, { type: 'block', digest })
}

/** Asks for operations that a signed header names. */
export function wantPayload(state: EngineState, root: Digest): void {
  if (!state.payloads.has(root) && wantsPayloads(state)) want(state, root, { type: 'payload', root })
}

/** Asks for the certificates of a slot that a header takes for granted: there may be one here, and not the one that matters. */
export function wantSlot(state: EngineState, slot: number): void {
  want(state, slotKey(slot), { type: 'slot', slot })
}

export function slotKey(slot: number): string {
  return `slot ${slot}`
}

/** Asks one peer after the other until the answer drops the want. */
export function want(state: EngineState, key: string, wanted: WantState['want']): void {
  if (state.wants.has(key) || state.wants.size >= WANTS_MAX) return
  const entry: WantState = { want: wanted, attempts: 0 }
  state.wants.set(key, entry)
  ask(state, entry)
  if (state.wants.size === 1) setTimer(state, 'fetch', state.init.settings.fetchRetryMs)
}

export function dropWant(state: EngineState, key: string): void {
  state.wants.delete(key)
}

/** Asks the next peer for everything that did not come. */
export function retryWants(state: EngineState): void {
  if (state.wants.size === 0) return
  for (const key of [...state.wants.keys()].sort()) ask(state, state.wants.get(key)!)
  setTimer(state, 'fetch', state.init.settings.fetchRetryMs)
}

function ask(state: EngineState, entry: WantState): void {
  const peer = state.sources[(state.current + (state.seat ?? 0) + entry.attempts++) % Math.max(1, state.sources.length)]
  if (peer !== undefined) emitEffect(state, { type: 'fetch', from: peer, want: entry.want })
}

/** The lowest slot above the final ones of which nothing is certified here. */
export function firstGap(state: EngineState): number {
  let slot = state.final.slot + 1
  while ((state.slots.get(slot)?.certificates.length ?? 0) > 0) slot++
  return slot
}

/** Asks `peer` for everything final above here, and for certificates from `slot` on. */
export function syncFrom(state: EngineState, peer: PeerId | undefined, slot = firstGap(state)): void {
  if (peer !== undefined) emitEffect(state, { type: 'fetch', from: peer, want: { type: 'sync', height: state.final.height, slot } })
}

/** Peers in turn, so that a dead or lying one costs one round. */
export function nextPeer(state: EngineState): PeerId | undefined {
  const { sources } = state
  return sources[(state.syncTurn++ + (state.seat ?? 0)) % Math.max(1, sources.length)]
}

/** Answers a peer that asks. What is not here is not answered: the peer asks another. */
export function answer(state: EngineState, from: PeerId, wanted: Want): void {
  switch (wanted.type) {
    case 'block': {
      const block = state.blocks.get(wanted.digest)
      if (block !== undefined) send(state, [from], { type: 'proposal', proposal: { header: block.header, signature: block.signature } })
      return
    }
    case 'payload': {
      const held = state.payloads.get(wanted.root)
      if (held !== undefined) send(state, [from], { type: 'payload', payload: held.payload })
      else emitEffect(state, { type: 'serve', to: from, want: wanted })
      return
    }
    case 'sync': {
      const first = state.history[0]
      const oldest = first === undefined ? state.final.height + 1 : first.header.height
      if (wanted.height < state.final.height && wanted.height + 1 < oldest) emitEffect(state, { type: 'serve', to: from, want: wanted })
      else send(state, [from], { type: 'batch', items: batch(state, wanted.height, wanted.slot), height: state.final.height })
      return
    }
    case 'slot': {
      const items = slotItems(state, wanted.slot)
      if (items.length > 0) send(state, [from], { type: 'batch', items, height: state.final.height })
      return
    }
    case 'committee':
      return answerCommittee(state, from, wanted.hash)
    default:
      wanted satisfies never
  }
}

/** Final blocks above `height`, up to one that is final by its own certificate; then the open slots from `slot` on. */
function batch(state: EngineState, height: number, slot: number): BatchItem[] {
  const items: BatchItem[] = []
  const at = finalAt(state, height)
  if (at !== undefined && at.header.nextCommittee !== ZERO_DIGEST) items.push(...(state.closings.get(at.header.epoch) ?? []))
  let next = height + 1
  for (; next <= state.final.height; next++) {
    const block = finalAt(state, next)
    if (block === undefined) return items
    const { header, signature, certificate } = block
    items.push({ proposal: { header, signature }, ...(certificate && { certificate }) })
    // The last of an epoch may be final only by what followed it there, and names a committee that the peer may not know.
    if (header.nextCommittee !== ZERO_DIGEST) items.push(...(state.closings.get(header.epoch) ?? []))
    if ((items.length >= BATCH_BLOCKS && isFinalizing(certificate)) || items.length >= BATCH_BLOCKS_MAX) return items
  }
  return [...items, ...openSlots(state, slot)]
}

function openSlots(state: EngineState, from: number): BatchItem[] {
  const items: BatchItem[] = []
  if (state.pendingFinal !== undefined) items.push({ certificate: state.pendingFinal })
  for (let slot = Math.max(from, state.final.slot + 1); slot < state.current && items.length < BATCH_SLOTS_MAX; slot++) {
    items.push(...slotItems(state, slot))
  }
  return items
}

function slotItems(state: EngineState, slot: number): BatchItem[] {
  return (state.slots.get(slot)?.certificates ?? []).map((certificate) => {
    const block = state.blocks.get(certificate.digest)
    return block === undefined ? { certificate } : { proposal: { header: block.header, signature: block.signature }, certificate }
  })
}
