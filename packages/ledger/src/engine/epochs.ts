import type { Certificate } from '../certificate.ts'
import { type Committee, createCommittee } from '../committee.ts'
import { type Digest, ZERO_DIGEST } from '../digest.ts'
import { signedBytes } from '../envelope.ts'
import { type BlockHeader, type ChainPoint, pointOf } from '../header.ts'
import { startSlotTimers } from './advance.ts'
import { CANDIDATES_MAX, CLOSINGS_MAX } from './limits.ts'
import type { EpochStart, Ready } from './messages.ts'
import type { Verdict } from './inspect.ts'
import { type Block, emitEffect, endsEpoch, type EngineState, record, send, takeSeat } from './state.ts'

/** The operator wants `committee` next. The epoch ends once all keys that join have shown that they are ready. */
export function noteCandidate(state: EngineState, committee: Committee): void {
  if (committee.hash === state.epoch.committee.hash) return
  if (state.candidates.size >= CANDIDATES_MAX && !state.candidates.has(committee.hash)) return
  state.candidates.set(committee.hash, committee)
  state.changed = true
  repeatReady(state)
}

/** Keys of `committee` that have no seat now. */
function joiners(state: EngineState, committee: Committee): string[] {
  const seated = new Set(state.epoch.committee.members.map(({ publicKey }) => keyName(publicKey)))
  return committee.members.map(({ publicKey }) => keyName(publicKey)).filter((key) => !seated.has(key))
}

/** Shows that own keys which join are ready: once this replica has what is final. */
export function repeatReady(state: EngineState): void {
  if (state.seat === undefined && !state.atTip) return
  for (const hash of [...state.candidates.keys()].sort()) {
    const committee = state.candidates.get(hash)!
    const joining = new Set(joiners(state, committee))
    for (const { publicKey } of committee.members) {
      const signer = joining.has(keyName(publicKey)) ? state.init.signerOf(publicKey) : undefined
      if (signer === undefined) continue
      const epoch = state.epoch.number + 1
      const signature = signer.sign(signedBytes(state.init.ledger, 'ready', epoch, 0, hash))
      const ready: Ready = { epoch, committee: hash, publicKey, signature }
      receiveReady(state, ready)
      send(state, state.others, { type: 'ready', ready })
    }
  }
}

/** Takes a proof of readiness for a committee that this replica was told of. */
export function receiveReady(state: EngineState, ready: Ready): void {
  const committee = state.candidates.get(ready.committee)
  if (committee === undefined || ready.epoch !== state.epoch.number + 1) return
  const key = keyName(ready.publicKey)
  if (!joiners(state, committee).includes(key) || state.readies.has(`${ready.committee}/${key}`)) return
  const signed = signedBytes(state.init.ledger, 'ready', ready.epoch, 0, ready.committee)
  if (!state.init.verifier.verify(ready.publicKey, signed, ready.signature)) return
  state.readies.set(`${ready.committee}/${key}`, ready)
  state.changed = true
}

/** Takes the committee that the last final block names, from whoever knows it: its hash is what makes it true. */
export function receiveCommittee(state: EngineState, { size, members }: Committee): void {
  if (state.active || state.final.nextCommittee === ZERO_DIGEST) return
  const committee = createCommittee(size, members)
  if (committee.hash !== state.final.nextCommittee) return
  state.candidates.set(committee.hash, committee)
  startNextEpoch(state)
}

function isReady(state: EngineState, committee: Committee): boolean {
  return joiners(state, committee).every((key) => state.readies.has(`${committee.hash}/${key}`))
}

/** What a block on `parent` says about the next committee: what its parent says, or the first candidate that is ready. */
export function committeeToName(state: EngineState, parent: ChainPoint): Digest {
  if (parent.epoch === state.epoch.number && parent.nextCommittee !== ZERO_DIGEST) return parent.nextCommittee
  for (const hash of [...state.candidates.keys()].sort()) if (isReady(state, state.candidates.get(hash)!)) return hash
  return ZERO_DIGEST
}

/** Whether what a header says about the next committee may follow its parent. Who was not told of the committee yet, waits. */
export function admitsCommittee(state: EngineState, header: BlockHeader, parent: ChainPoint): Verdict {
  const before = parent.epoch === header.epoch ? parent.nextCommittee : ZERO_DIGEST
  if (!endsEpoch(header, before)) return header.nextCommittee === before ? 'good' : 'bad'
  const committee = state.candidates.get(header.nextCommittee)
  return committee !== undefined && isReady(state, committee) ? 'good' : 'waiting'
}

/**
 * The epoch's last block is final: nothing is voted in the epoch any more (S14), and the next one starts from this block.
 * A replica that was not told of the next committee stays where it is until it is told.
 */
export function endEpoch(state: EngineState, last: Block, path: readonly Block[], proof: Certificate): void {
  const point = pointOf(last.header)
  state.active = false
  const after = path.slice(path.indexOf(last) + 1)
  state.closings.set(state.epoch.number, [
    ...after.map(({ header, signature }) => ({ proposal: { header, signature } })),
    { certificate: proof },
  ])
  for (const number of state.closings.keys()) if (number <= state.epoch.number - CLOSINGS_MAX) state.closings.delete(number)
  emitEffect(state, { type: 'emit', event: { type: 'epoch-ended', epoch: state.epoch.number, point } })
  startNextEpoch(state)
}

/** P6: the next epoch is on disk before anything is signed in it, and only then are the old epoch's keys erased. */
export function startNextEpoch(state: EngineState): void {
  const { final, epoch } = state
  if (state.active || state.halted || final.epoch !== epoch.number || final.nextCommittee === ZERO_DIGEST) return
  const committee = state.candidates.get(final.nextCommittee)
  if (committee === undefined) return
  const start: EpochStart = { number: epoch.number + 1, committee, base: final }
  state.closings.set(epoch.number, [...(state.closings.get(epoch.number) ?? []), { committee }])
  record(state, { type: 'epoch', start })
  enterEpoch(state, start)
}

export function enterEpoch(state: EngineState, start: EpochStart): void {
  takeSeat(state, start)
  for (const slot of state.slots.values()) for (const digest of slot.blocks) state.blocks.delete(digest)
  state.slots.clear()
  state.waiting.clear()
  state.wants.clear()
  state.unclaimed = []
  state.pendingFinal = undefined
  state.candidates.clear()
  state.readies.clear()
  state.convicted.clear()
  // What was voted in the old epoch and is not durable yet counts nowhere any more.
  state.undurable = []
  state.castNow = []
  state.pool.forwardedTo = undefined
  state.current = start.base.slot + 1
  state.barren = 0
  state.syncedSlot = -1
}

/** The record of the new epoch is durable: its seats may sign. */
export function activateEpoch(state: EngineState): void {
  state.epochToken = undefined
  state.active = true
  if (state.retiring !== undefined) emitEffect(state, { type: 'eraseKey', publicKey: state.retiring })
  state.retiring = undefined
  state.changed = true
  state.waiting.add(state.current)
  emitEffect(state, { type: 'emit', event: { type: 'epoch-started', start: state.epoch, seat: state.seat } })
  startSlotTimers(state)
}

function keyName(publicKey: Uint8Array): string {
  return Buffer.from(publicKey).toString('hex')
}
