import { type Digest, ZERO_DIGEST } from '../digest.ts'
import { type BlockHeader, type ChainPoint, pointOf } from '../header.ts'
import { EMPTY_PAYLOAD_ROOT, payloadFacts } from '../payload.ts'
import { SKIP } from '../votes.ts'
import { wantBlock, wantPayload, wantSlot } from './wants.ts'
import { admitsCommittee } from './epochs.ts'
import { appliesBlocks, type Block, BLOCK_KINDS, certificateOf, type EngineState, wantsPayloads } from './state.ts'

/** `good` passes all of R1 · `waiting` for something that may still come, and that is asked for · `bad` for good. */
export type Verdict = 'good' | 'waiting' | 'bad'

/** R1 but for what the seat itself has voted: parent, gap, form, payload. */
export function inspectBlock(state: EngineState, block: Block): Verdict {
  const verdict = worst(inspectParent(state, block.header), inspectPayload(state, block.header))
  if (verdict === 'waiting') state.waiting.add(block.header.slot)
  return verdict
}

function worst(...verdicts: readonly Verdict[]): Verdict {
  if (verdicts.includes('bad')) return 'bad'
  return verdicts.includes('waiting') ? 'waiting' : 'good'
}

/** The parent is certified, every slot strictly between is skip-certified, and the header goes on from the parent. */
function inspectParent(state: EngineState, header: BlockHeader): Verdict {
  const { final } = state
  if (header.parentSlot >= header.slot) return 'bad'
  // Nothing may fork off below what is final.
  if (header.parentSlot < final.slot || (header.parentSlot === final.slot && header.parent !== final.digest)) return 'bad'
  const parent = parentPoint(state, header)
  if (parent === undefined) {
    wantBlock(state, header.parent)
    return 'waiting'
  }
  if (!goesOn(state, header, parent)) return 'bad'
  if (header.parentSlot > final.slot && certificateOf(state, header.parentSlot, header.parent, BLOCK_KINDS) === undefined) {
    wantSlot(state, header.parentSlot)
    return 'waiting'
  }
  for (let slot = header.parentSlot + 1; slot < header.slot; slot++) {
    if (certificateOf(state, slot, SKIP, ['skip']) !== undefined) continue
    wantSlot(state, slot)
    return 'waiting'
  }
  return worst(inspectTime(state, header), inspectStateRoot(state, header), admitsCommittee(state, header, parent))
}

function parentPoint(state: EngineState, header: BlockHeader): ChainPoint | undefined {
  if (header.parent === state.final.digest) return state.final
  const parent = state.blocks.get(header.parent)
  return parent === undefined ? undefined : pointOf(parent.header)
}

function goesOn(state: EngineState, header: BlockHeader, parent: ChainPoint): boolean {
  return (
    parent.slot === header.parentSlot &&
    header.height === parent.height + 1 &&
    header.time >= parent.time &&
    header.stateHeight >= parent.stateHeight &&
    header.stateHeight < header.height &&
    header.policyRoot === state.init.policyRoot
  )
}

function inspectTime(state: EngineState, header: BlockHeader): Verdict {
  return header.time > state.now + state.init.settings.clockSkewMsMax ? 'waiting' : 'good'
}

/**
 * Who has applied that height checks the root; who has not yet, waits. Roots too old to be remembered must be what the parent says of the
 * same height, if it speaks of it, and were checked by others. A restart brings back those of the state store: if all seats forgot them at
 * once, one liar could attest a state that nobody has.
 */
function inspectStateRoot(state: EngineState, header: BlockHeader): Verdict {
  if (!appliesBlocks(state)) return 'good'
  if (header.stateHeight > state.applied) return 'waiting'
  const root = state.stateRoots.get(header.stateHeight)
  const known = root ?? attestedBefore(state, header)
  return known === undefined || known === header.stateRoot ? 'good' : 'bad'
}

/** What the parent says of the same height; before the first block nothing is attested. */
function attestedBefore({ blocks }: EngineState, { parent, stateHeight }: BlockHeader): Digest | undefined {
  if (stateHeight === 0) return ZERO_DIGEST
  const before = blocks.get(parent)?.header
  return before?.stateHeight === stateHeight ? before.stateRoot : undefined
}

/** P2: who holds payloads votes only with the payload handed to the log, and found valid. */
function inspectPayload(state: EngineState, header: BlockHeader): Verdict {
  if (header.payloadRoot === EMPTY_PAYLOAD_ROOT)
    return header.operationsCount === 0 && header.payloadBytes === payloadFacts([]).bytesCount ? 'good' : 'bad'
  // After the block that ends an epoch only empty ones follow.
  const parent = parentPoint(state, header)
  if (parent !== undefined && parent.epoch === header.epoch && parent.nextCommittee !== ZERO_DIGEST) return 'bad'
  if (!wantsPayloads(state)) return 'good'
  const held = state.payloads.get(header.payloadRoot)
  if (held === undefined) {
    wantPayload(state, header.payloadRoot)
    return 'waiting'
  }
  if (held.payload.length !== header.operationsCount || payloadFacts(held.payload).bytesCount !== header.payloadBytes) return 'bad'
  if (held.verdict === 'invalid') return 'bad'
  return held.verdict === 'valid' && held.persisted ? 'good' : 'waiting'
}
