import type { Certificate } from '../certificate.ts'
import { type Committee, createCommittee, SEATS_MAX } from '../committee.ts'
import { type Digest, ZERO_DIGEST } from '../digest.ts'
import { readyBytes, signReady } from '../epoch-chain/ready.ts'
import { LedgerError } from '../errors.ts'
import { type BlockHeader, type ChainPoint, pointOf } from '../header.ts'
import { startSlotTimers } from './advance.ts'
import { want } from './wants.ts'
import { CLOSINGS_MAX } from './limits.ts'
import type { EpochStart, PeerId, Ready } from './messages.ts'
import type { Signer } from '../signing.ts'
import type { Verdict } from './inspect.ts'
import { forgetWords, hasRoomFor, joiners, keepCommittee, keyName, namedCommittee, seated, wordsFor } from './named-committees.ts'
import { type Block, emitEffect, endsEpoch, type EngineState, record, send, takeSeat } from './state.ts'

/** The operator wants `committee` next. The epoch ends once all that join, and a quorum of those who decide now, are ready for it. */
export function noteCandidate(state: EngineState, committee: Committee): void {
  if (committee.hash === state.epoch.committee.hash) return
  state.candidate = committee
  state.changed = true
  repeatReady(state)
}

/** Says what this replica is ready for: own keys that join, once it has what is final; its seat, once all that join have said so. */
export function repeatReady(state: EngineState): void {
  const committee = state.candidate
  if (committee === undefined) return
  const joining = new Set(joiners(state, committee))
  if (state.seat !== undefined || (state.atTip && state.applied === state.final.height)) {
    for (const { publicKey } of committee.members) {
      const signer = joining.has(keyName(publicKey)) ? state.init.signerOf(publicKey) : undefined
      if (signer !== undefined) sayReady(state, committee.hash, signer)
    }
  }
  if (state.signer !== undefined && isReady(state, committee)) sayReady(state, committee.hash, state.signer)
}

function sayReady(state: EngineState, committee: Digest, signer: Signer): void {
  const epoch = state.epoch.number
  const signature = signReady(state.init.ledger, signer, epoch, committee)
  const ready: Ready = { epoch, committee, publicKey: signer.publicKey, signature }
  noteReady(state, ready)
  send(state, state.others, { type: 'ready', ready })
}

/** Takes a proof of readiness for a committee that this replica was told of. */
export function receiveReady(state: EngineState, ready: Ready): void {
  const committee = namedCommittee(state, ready.committee)
  if (committee === undefined || !isGenuine(state, committee, ready)) return
  const before = isReady(state, committee)
  noteReady(state, ready)
  if (!before && isReady(state, committee)) repeatReady(state)
}

/** By a key that joins or that has a seat, new, said in this epoch, and signed. */
function isGenuine(state: EngineState, committee: Committee, ready: Ready): boolean {
  const key = keyName(ready.publicKey)
  if (ready.committee !== committee.hash || ready.epoch !== state.epoch.number) return false
  if (state.readies.has(`${committee.hash}/${key}`)) return false
  if (!seated(state).has(key) && !joiners(state, committee).includes(key)) return false
  return state.init.verifier.verify(ready.publicKey, readyBytes(state.init.ledger, ready.epoch, committee.hash), ready.signature)
}

/** Asks for a committee that a header names, or for what shows that it is ready. */
function wantCommittee(state: EngineState, hash: Digest): void {
  want(state, hash, { type: 'committee', hash })
}

export function answerCommittee(state: EngineState, from: PeerId, hash: Digest): void {
  const committee = namedCommittee(state, hash)
  if (committee === undefined) return
  send(state, [from], { type: 'committee', committee, readies: wordsFor(state, committee) })
}

/**
 * Takes a next committee that was asked for. Who was not told of it by the operator needs no more than the word of a quorum of seats
 * that were: they all signed that they know it.
 */
export function receiveNamed(state: EngineState, claimed: Committee, readies: readonly Ready[]): void {
  if (!state.wants.has(claimed.hash)) return
  const committee = rebuilt(claimed)
  if (committee?.hash !== claimed.hash) return
  for (const ready of readies.slice(0, 2 * SEATS_MAX)) if (isGenuine(state, committee, ready)) noteReady(state, ready)
  if (!isWarranted(state, committee) || !hasRoomFor(state, committee.hash)) {
    // Whoever voted has all words that it takes in one answer: single ones are of no use, and anybody can invent committees.
    forgetWords(state, committee.hash)
    return
  }
  keepCommittee(state, committee)
  state.changed = true
}

/** A committee as a peer sent it, with the thresholds and the hash that follow from it. */
function rebuilt({ size, members }: Committee): Committee | undefined {
  try {
    return createCommittee(size, members)
  } catch (error) {
    if (error instanceof LedgerError) return undefined
    throw error
  }
}

export function noteReady(state: EngineState, ready: Ready): void {
  state.readies.set(`${ready.committee}/${keyName(ready.publicKey)}`, ready)
  state.changed = true
}

/** Takes the committee that the last final block names, from whoever knows it: its hash is what makes it true. */
export function receiveCommittee(state: EngineState, claimed: Committee): void {
  const { final, epoch } = state
  if (final.epoch !== epoch.number || final.nextCommittee === ZERO_DIGEST) return
  const committee = rebuilt(claimed)
  if (committee?.hash !== final.nextCommittee) return
  keepCommittee(state, committee)
  startNextEpoch(state)
}

/** All that join are ready. */
function isReady(state: EngineState, committee: Committee): boolean {
  return joiners(state, committee).every((key) => state.readies.has(`${committee.hash}/${key}`))
}

/** All that join are ready, and a quorum of this epoch's seats said that it knows: whoever has these words may name the committee, and vote for it. */
function isWarranted(state: EngineState, committee: Committee): boolean {
  const known = [...seated(state)].filter((key) => state.readies.has(`${committee.hash}/${key}`)).length
  return isReady(state, committee) && known >= state.epoch.committee.thresholds.quorum
}

/** What a block on `parent` says about the next committee: what its parent says, or the candidate if that is ready and can be kept. */
export function committeeToName(state: EngineState, parent: ChainPoint): Digest {
  if (parent.epoch === state.epoch.number && parent.nextCommittee !== ZERO_DIGEST) return parent.nextCommittee
  const { candidate } = state
  return candidate !== undefined && isWarranted(state, candidate) && hasRoomFor(state, candidate.hash) ? candidate.hash : ZERO_DIGEST
}

/**
 * Whether what a header says about the next committee may follow its parent. It takes the word of the quorum even for the committee that the own
 * operator wants: a vote is cast with what convinces every other seat on disk, or R3 could not repair a slot in which only some have it. What cannot
 * be kept there is not voted for, until a final block makes room, or W others have voted.
 */
export function admitsCommittee(state: EngineState, header: BlockHeader, parent: ChainPoint): Verdict {
  const before = parent.epoch === header.epoch ? parent.nextCommittee : ZERO_DIGEST
  if (!endsEpoch(header, before)) return header.nextCommittee === before ? 'good' : 'bad'
  if (!hasRoomFor(state, header.nextCommittee)) return 'waiting'
  const committee = namedCommittee(state, header.nextCommittee)
  if (committee !== undefined && isWarranted(state, committee)) {
    keepCommittee(state, committee)
    return 'good'
  }
  wantCommittee(state, header.nextCommittee)
  return 'waiting'
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
  emitEffect(state, { type: 'emit', event: { type: 'epoch-ended', epoch: state.epoch.number, point } })
  startNextEpoch(state)
}

/** P6: the next epoch is on disk before anything is signed in it, and only then are the old epoch's keys erased. */
export function startNextEpoch(state: EngineState): void {
  const { final, epoch } = state
  if (state.active || state.halted || final.epoch !== epoch.number || final.nextCommittee === ZERO_DIGEST) return
  const committee = namedCommittee(state, final.nextCommittee)
  if (committee === undefined) return
  const start: EpochStart = { number: epoch.number + 1, committee, base: final }
  record(state, { type: 'epoch', start })
  enterEpoch(state, start)
}

export function enterEpoch(state: EngineState, start: EpochStart): void {
  remember(state, start)
  takeSeat(state, start)
  for (const slot of state.slots.values()) {
    for (const digest of slot.blocks) {
      const root = state.blocks.get(digest)?.header.payloadRoot
      state.blocks.delete(digest)
      // Those of final blocks that wait to be applied were proposed in slots that are closed.
      if (root !== undefined && ![...state.blocks.values()].some(({ header }) => header.payloadRoot === root)) state.payloads.delete(root)
    }
  }
  state.slots.clear()
  state.waiting.clear()
  for (const [key, { want }] of state.wants) if (want.type !== 'payload') state.wants.delete(key)
  for (const root of state.unclaimed) state.payloads.delete(root)
  state.unclaimed = []
  state.pendingFinal = undefined
  if (state.candidate?.hash === start.committee.hash) state.candidate = undefined
  state.named = []
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

/** For those who are still in the epoch before: what follows it. */
function remember(state: EngineState, start: EpochStart): void {
  const before = start.number - 1
  state.closings.set(before, [...(state.closings.get(before) ?? []), { committee: start.committee }])
  state.closings.delete(before - CLOSINGS_MAX)
}

/** The record of the new epoch is durable: its seats may sign. */
export function activateEpoch(state: EngineState): void {
  state.epochToken = undefined
  state.active = true
  state.changed = true
  state.waiting.add(state.current)
  emitEffect(state, { type: 'emit', event: { type: 'epoch-started', start: state.epoch, seat: state.seat } })
  // Last: the hand-over is still signed with it.
  if (state.retiring !== undefined) emitEffect(state, { type: 'eraseKey', publicKey: state.retiring })
  state.retiring = undefined
  startSlotTimers(state)
}
