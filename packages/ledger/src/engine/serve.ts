import { ZERO_DIGEST } from '../digest.ts'
import { answerCommittee } from './epochs.ts'
import { finalAt, isFinalizing } from './finalise.ts'
import { BATCH_BLOCKS, BATCH_BLOCKS_MAX, BATCH_SLOTS_MAX } from './limits.ts'
import type { BatchItem, PeerId, Want } from './messages.ts'
import { emitEffect, type EngineState, send } from './state.ts'

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
  const ended = endedAt(state, height)
  if (ended !== undefined) items.push(...(state.closings.get(ended) ?? []))
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

/** The epoch that ended with the block at `height`. */
function endedAt(state: EngineState, height: number): number | undefined {
  const { epoch } = state
  // After a restart nothing final is in memory, and yet a peer may wait at the end block for the committee that follows.
  if (height === epoch.base.height) return epoch.number - 1
  const header = finalAt(state, height)?.header
  return header !== undefined && header.nextCommittee !== ZERO_DIGEST ? header.epoch : undefined
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
