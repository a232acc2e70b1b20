import type { Certificate } from '../certificate.ts'
import { type Digest, ZERO_DIGEST } from '../digest.ts'
import { pointOf } from '../header.ts'
import { EMPTY_PAYLOAD, EMPTY_PAYLOAD_ROOT } from '../payload.ts'
import { SKIP } from '../votes.ts'
import { advanceTo, gather, makeIdle } from './advance.ts'
import { dropWant, isFarAhead, slotKey, syncFrom, wantBlock, wantPayload } from './wants.ts'
import { endEpoch } from './epochs.ts'
import { forgetNamed } from './named-committees.ts'
import type { FastMissed } from './events.ts'
import { tellFinalVoters } from './fast-proof.ts'
import { noteFast } from './final-vote.ts'
import { HISTORY_BLOCKS_MAX, HISTORY_PAYLOADS_MAX, PAYLOADS_AHEAD_MAX, STATE_ROOTS_MAX } from './limits.ts'
import { forgetFinal } from './pool.ts'
import {
  appliesBlocks,
  type Block,
  BLOCK_KINDS,
  certificateOf,
  emitEffect,
  endsEpoch,
  type EngineState,
  FINAL_KINDS,
  type FinalBlock,
  slotOf,
  wantsPayloads,
} from './state.ts'

/** A block as certificates and headers name it. */
type BlockAt = Pick<Certificate, 'slot' | 'digest'>

/** R7: FAST(B) or FINAL(B) makes B final, with all its ancestors. */
export function noteFinal(state: EngineState, certificate: Certificate): void {
  if (state.pendingFinal === undefined || certificate.slot > state.pendingFinal.slot) state.pendingFinal = certificate
  finalise(state)
}

/**
 * Makes final what certificates say is, as soon as all blocks between are known: by the highest of them, or else by the highest below the block
 * that it lacks. Those in between lack that block too; and nobody may have it any more, because the epoch ended before it. To be told the lower
 * certificate again is no help: one that is known is not taken twice.
 */
export function finalise(state: EngineState): void {
  if (state.halted || hasEnded(state)) return
  for (let target = state.pendingFinal; target !== undefined;) {
    const { path, missing } = pathTo(state, target)
    if (missing === undefined) return follow(state, path, target)
    wantBlock(state, missing.digest)
    target = highestFinal(state, missing.slot)
  }
}

/** What `target` makes final, the highest first; or the first block on the way down that is not known. */
function pathTo(state: EngineState, target: Certificate): { readonly path: readonly Block[]; readonly missing?: BlockAt } {
  const path: Block[] = []
  for (let next: BlockAt = target; next.digest !== state.final.digest;) {
    const block = state.blocks.get(next.digest)
    if (block === undefined) return { path, missing: next }
    path.push(block)
    const { height, parent, parentSlot } = block.header
    if (height <= state.final.height) break
    next = { slot: parentSlot, digest: parent }
  }
  return { path }
}

/** The highest certificate below `slot` that makes a block final; slots up to the newest final block are closed, and have none. */
function highestFinal(state: EngineState, slot: number): Certificate | undefined {
  let highest: Certificate | undefined
  for (const { certificates } of state.slots.values()) {
    const found = certificates.find((each) => isFinalizing(each) && each.slot < slot)
    if (found !== undefined && found.slot > (highest?.slot ?? -1)) highest = found
  }
  return highest
}

/** Makes a whole path final, the lowest first, unless it forks off below what is final. */
function follow(state: EngineState, path: readonly Block[], target: Certificate): void {
  if ((path.at(-1)?.header.height ?? Infinity) <= state.final.height) return halt(state, target)
  if (target === state.pendingFinal) state.pendingFinal = undefined
  const upwards = path.toReversed()
  for (const block of upwards) {
    const ends = endsEpoch(block.header, state.final.epoch === block.header.epoch ? state.final.nextCommittee : SKIP)
    makeFinal(state, block)
    // What follows in this epoch is empty, and no part of the history.
    if (ends) return endEpoch(state, block, upwards, target)
  }
  if (state.current <= state.final.slot) advanceTo(state, state.final.slot + 1)
  else makeIdle(state)
  gather(
    state,
    path.reduce((sum, { header }) => sum + header.operationsCount, 0),
  )
}

/** The epoch's last block is final: whatever else becomes final in it is empty, and no part of the history. */
export function hasEnded({ final, epoch }: EngineState): boolean {
  return final.epoch === epoch.number && final.nextCommittee !== ZERO_DIGEST
}

function makeFinal(state: EngineState, block: Block): void {
  const { slot } = block.header
  const certificate = certificateOf(state, slot, block.digest, BLOCK_KINDS)
  const path = certificate?.kind === 'fast' ? 'fast' : certificate?.kind === 'final' ? 'slow' : 'ancestor'
  const missed = path === 'slow' ? { fastMissed: fastMissed(state, block) } : {}
  const point = pointOf(block.header)
  remember(state, { ...block, certificate })
  if (path === 'fast' && certificate !== undefined) tellFinalVoters(state, slotOf(state, slot), certificate)
  closeSlots(state, slot, block)
  state.final = point
  forgetNamed(state)
  state.barren = 0
  if (path === 'fast') noteFast(state, slot)
  state.changed = true
  emitEffect(state, { type: 'emit', event: { type: 'final', point, path, ...missed } })
  applyReady(state)
}

function fastMissed(state: EngineState, block: Block): FastMissed {
  const votes = slotOf(state, block.header.slot).first
  return votes.some((vote) => vote !== undefined && vote.digest !== block.digest) ? 'split-votes' : 'late-votes'
}

function remember(state: EngineState, block: FinalBlock): void {
  state.history.push(block)
  // What waits to be applied is still needed; how much that may be, catching up sees to.
  while (state.history.length > HISTORY_BLOCKS_MAX && (state.history[0]?.header.height ?? Infinity) < state.applyNext) {
    const dropped = state.history.shift()
    if (dropped !== undefined) state.blocks.delete(dropped.digest)
  }
}

/** Forgets the slots up to the new final block: nothing in them can change. */
function closeSlots(state: EngineState, last: number, final: Block): void {
  const lost = new Set<Digest>()
  for (let number = state.final.slot + 1; number <= last; number++) {
    const slot = state.slots.get(number)
    for (const digest of slot?.blocks ?? []) {
      const loser = digest === final.digest ? undefined : state.blocks.get(digest)
      if (loser === undefined) continue
      state.blocks.delete(digest)
      lost.add(loser.header.payloadRoot)
      // What only this header said there was, need not be.
      dropWant(state, loser.header.parent)
      dropWant(state, loser.header.nextCommittee)
    }
    for (const named of [...(slot?.first ?? []), ...(slot?.certificates ?? [])]) if (named !== undefined) dropWant(state, named.digest)
    dropWant(state, slotKey(number))
    state.slots.delete(number)
    state.waiting.delete(number)
  }
  lost.delete(final.header.payloadRoot)
  for (const root of lost) {
    // Operations that were skipped over are often proposed again as they were.
    if (isNamed(state, root)) continue
    state.payloads.delete(root)
    dropWant(state, root)
  }
}

/** Whether an open or a final block still needs these operations. */
function isNamed(state: EngineState, root: Digest): boolean {
  for (const { header } of state.blocks.values()) {
    if (header.payloadRoot === root && (header.slot > state.final.slot || header.height >= state.applyNext)) return true
  }
  return false
}

/** Hands final blocks to `apply`, in order, as far as their operations are here; then goes on catching up, if that waited for them. */
export function applyReady(state: EngineState): void {
  applyBlocks(state)
  const { syncHeld } = state
  if (syncHeld === undefined || isFarAhead(state)) return
  state.syncHeld = undefined
  syncFrom(state, syncHeld)
}

function applyBlocks(state: EngineState): void {
  for (;;) {
    const block = finalAt(state, state.applyNext)
    if (block === undefined) return
    const root = block.header.payloadRoot
    const payload = root === EMPTY_PAYLOAD_ROOT ? EMPTY_PAYLOAD : state.payloads.get(root)?.payload
    if (wantsPayloads(state) && payload === undefined) return wantNextPayloads(state)
    state.applyNext++
    const old = finalAt(state, state.applyNext - 1 - HISTORY_PAYLOADS_MAX)
    if (old !== undefined) state.payloads.delete(old.header.payloadRoot)
    if (payload !== undefined) forgetFinal(state, payload)
    if (appliesBlocks(state))
      emitEffect(state, { type: 'apply', point: pointOf(block.header), payload: payload ?? EMPTY_PAYLOAD, after: state.token })
    else state.applied = block.header.height
  }
}

/** Asks for the missing operations of the next final blocks, some at a time, so that catching up does not take a round trip for each. */
function wantNextPayloads(state: EngineState): void {
  for (let height = state.applyNext; height < state.applyNext + PAYLOADS_AHEAD_MAX; height++) {
    const root = finalAt(state, height)?.header.payloadRoot
    if (root !== undefined && root !== EMPTY_PAYLOAD_ROOT) wantPayload(state, root)
  }
}

/** Drops operations that neither an open block nor a late final one names: an epoch ended over them, or they came from a long log. */
export function prunePayloads(state: EngineState): void {
  const kept = new Set<Digest>(state.unclaimed)
  for (const { header } of state.blocks.values()) {
    const late = header.height >= state.applyNext - HISTORY_PAYLOADS_MAX
    if (late || header.slot > state.final.slot) kept.add(header.payloadRoot)
  }
  for (const root of state.payloads.keys()) if (!kept.has(root)) state.payloads.delete(root)
}

export function noteApplied(state: EngineState, height: number, stateRoot: string): void {
  if (height <= state.applied && state.stateRoots.has(height)) return
  state.applied = Math.max(state.applied, height)
  state.stateRoots.set(height, stateRoot)
  state.stateRoots.delete(height - STATE_ROOTS_MAX)
  state.changed = true
}

/** The final block at `height`, if it is still in memory. */
export function finalAt(state: EngineState, height: number): FinalBlock | undefined {
  const first = state.history[0]
  return first === undefined ? undefined : state.history[height - first.header.height]
}

/** Two final blocks that exclude each other: the committee is beyond what it bears, and a person must look. */
export function halt(state: EngineState, { slot, digest }: BlockAt): void {
  state.halted = true
  emitEffect(state, { type: 'emit', event: { type: 'halted', slot, digest } })
}

/** Whether a certificate proves by itself that its block is final. */
export function isFinalizing(certificate: Certificate | undefined): certificate is Certificate {
  return certificate !== undefined && FINAL_KINDS.includes(certificate.kind)
}
