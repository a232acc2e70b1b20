import { ZERO_DIGEST } from '../digest.ts'
import { signedBytes } from '../envelope.ts'
import { type BlockHeader, type ChainPoint, headerDigest, pointOf } from '../header.ts'
import { EMPTY_PAYLOAD, EMPTY_PAYLOAD_ROOT, type Payload, payloadFacts } from '../payload.ts'
import { SKIP } from '../votes.ts'
import { wantBlock, wantSlot } from './wants.ts'
import { committeeToName } from './epochs.ts'
import { isGathering, isPipelined } from './advance.ts'
import { BATCH_OPERATIONS, PACED_BLOCKS, TOGETHER_BYTES_MAX } from './limits.ts'
import type { SignedHeader } from './messages.ts'
import { takeBatch } from './pool.ts'
import { BLOCK_KINDS, certificateOf, type EngineState, leaderOf, record, send, sendAfterRecords, slotOf } from './state.ts'
import { admitBlock, claimPayload } from './blocks.ts'

/** Proposes in the current slot, if it is this seat's to lead, nothing was proposed or voted in it yet, and there is something to propose. */
export function propose(state: EngineState): void {
  const { seat, signer, epoch, init } = state
  if (seat === undefined || signer === undefined || !state.active || state.halted) return
  if (leaderOf(state, state.current) !== seat || state.current <= state.final.slot) return
  const slot = slotOf(state, state.current)
  if (slot.proposed !== undefined || slot.own.first !== undefined) return
  const parent = chooseParent(state)
  if (parent === undefined || !isDue(state, parent)) return
  if (isGathering(state)) return
  const payload = choosePayload(state, parent)
  const nextCommittee = committeeToName(state, parent)
  if (!state.mayHeartbeat && payload.length === 0 && nextCommittee === parent.nextCommittee) return

  if (isPipelined(state) && !state.mayPipeline && payload.length < BATCH_OPERATIONS && nextCommittee === parent.nextCommittee) return

  const { root, bytesCount } = payloadFacts(payload)
  const stateHeight = Math.max(parent.stateHeight, Math.min(state.applied, parent.height))
  const header: BlockHeader = {
    epoch: epoch.number,
    slot: state.current,
    height: parent.height + 1,
    parentSlot: parent.slot,
    parent: parent.digest,
    payloadRoot: root,
    payloadBytes: bytesCount,
    operationsCount: payload.length,
    time: Math.max(state.now, parent.time),
    policyRoot: init.policyRoot,
    stateHeight,
    stateRoot: state.stateRoots.get(stateHeight) ?? ZERO_DIGEST,
    nextCommittee,
  }
  const digest = headerDigest(header)
  const proposal: SignedHeader = { header, signature: signer.sign(signedBytes(init.ledger, 'proposal', epoch.number, header.slot, digest)) }
  slot.proposed = digest
  // P3: after a crash this seat must not lead the slot with another block.
  record(state, { type: 'proposed', epoch: epoch.number, slot: header.slot, digest })
  // A long payload travels while its header waits for the disk; a short one goes along with it, which is one packet and not two.
  const sendPayload = bytesCount > TOGETHER_BYTES_MAX ? send : sendAfterRecords
  if (payload.length > 0) sendPayload(state, state.others, { type: 'payload', payload })
  sendAfterRecords(state, state.others, { type: 'proposal', proposal })
  claimPayload(state, payload)
  admitBlock(state, proposal)
}

/** The highest certified block below the current slot from which every slot since is skip-certified. */
function chooseParent(state: EngineState): ChainPoint | undefined {
  for (let slot = state.current - 1; slot > state.final.slot; slot--) {
    const certified = state.slots.get(slot)?.certificates.find(({ kind }) => BLOCK_KINDS.includes(kind))
    if (certified !== undefined) {
      const block = state.blocks.get(certified.digest)
      if (block !== undefined) return pointOf(block.header)
      wantBlock(state, certified.digest)
      return undefined
    }
    if (certificateOf(state, slot, SKIP, ['skip']) === undefined) {
      wantSlot(state, slot)
      return undefined
    }
  }
  return state.final
}

/** With very many certified blocks that are not final only the idle timer proposes. */
function isDue(state: EngineState, parent: ChainPoint): boolean {
  // A root that this seat does not know it cannot attest.
  const knowsState = state.applied >= parent.stateHeight
  return knowsState && (state.mayHeartbeat || parent.height - state.final.height <= PACED_BLOCKS)
}

/** No operations after the block that ends the epoch, nor if an open ancestor's operations are unknown: they could be proposed twice. */
function choosePayload(state: EngineState, parent: ChainPoint): Payload {
  if (parent.epoch === state.epoch.number && parent.nextCommittee !== ZERO_DIGEST) return EMPTY_PAYLOAD
  if (state.applyNext <= state.final.height) return EMPTY_PAYLOAD
  const taken = new Set<string>()
  for (let digest = parent.digest; digest !== state.final.digest;) {
    const block = state.blocks.get(digest)
    if (block === undefined) return EMPTY_PAYLOAD
    const root = block.header.payloadRoot
    const held = root === EMPTY_PAYLOAD_ROOT ? EMPTY_PAYLOAD : state.payloads.get(root)?.payload
    if (held === undefined) return EMPTY_PAYLOAD
    for (const { id } of held) taken.add(id)
    digest = block.header.parent
  }
  return takeBatch(state, taken)
}

/** A leader that nobody heard says it again. */
export function repeatProposal(state: EngineState): void {
  const digest = state.slots.get(state.current)?.proposed
  const block = digest === undefined ? undefined : state.blocks.get(digest)
  if (block === undefined) return
  const held = state.payloads.get(block.header.payloadRoot)
  if (held !== undefined) send(state, state.others, { type: 'payload', payload: held.payload })
  sendAfterRecords(state, state.others, { type: 'proposal', proposal: { header: block.header, signature: block.signature } })
}
