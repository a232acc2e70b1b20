import type { Digest } from '../digest.ts'
import { ROUNDS_MAX, UNAPPLIED_AHEAD_MAX, WANTS_MAX } from './limits.ts'
import type { PeerId } from './messages.ts'
import { emitEffect, type EngineState, setTimer, wantsPayloads, type WantState } from './state.ts'

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
  for (const key of [...state.wants.keys()].sort()) {
    const entry = state.wants.get(key)!
    // Payloads are named by signed headers and dropped with them. What else nobody has may never have been; who still needs it asks anew.
    if (entry.want.type !== 'payload' && entry.attempts >= ROUNDS_MAX * state.sources.length) state.wants.delete(key)
    else ask(state, entry)
  }
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

/** Final blocks run ahead of their operations: more of them would fill the memory, and bring nothing nearer. */
export function isFarAhead({ final, applyNext }: EngineState): boolean {
  return final.height - applyNext >= UNAPPLIED_AHEAD_MAX
}

/** Asks `peer` for everything final above here, and for certificates from `slot` on. */
export function syncFrom(state: EngineState, peer: PeerId | undefined, slot = firstGap(state)): void {
  if (isFarAhead(state)) state.syncHeld = peer
  else if (peer !== undefined) emitEffect(state, { type: 'fetch', from: peer, want: { type: 'sync', height: state.final.height, slot } })
}

/** Peers in turn, so that a dead or lying one costs one round. */
export function nextPeer(state: EngineState): PeerId | undefined {
  const { sources } = state
  return sources[(state.syncTurn++ + (state.seat ?? 0)) % Math.max(1, sources.length)]
}
