import { endWait, startSlotTimers } from './advance.ts'
import { receivePayload, receiveProposal, noteValidated } from './blocks.ts'
import { firstGap, nextPeer, retryWants, syncFrom, wantPayload } from './wants.ts'
import { certifies, receiveCertificate } from './certify.ts'
import { activateEpoch, noteCandidate, receiveCommittee, receiveNamed, receiveReady, startNextEpoch } from './epochs.ts'
import { evaluateWaiting } from './evaluate.ts'
import { verifyEvidence } from './evidence.ts'
import type { Effect, EngineEvent, TimerName } from './events.ts'
import { endHold } from './final-vote.ts'
import { applyReady, noteApplied } from './finalise.ts'
import { installSnapshot } from './install.ts'
import { BATCH_ITEMS_MAX, BATCH_SLOTS_MAX } from './limits.ts'
import type { BatchItem, Message, PeerId } from './messages.ts'
import { forward, receiveOperations, submit } from './pool.ts'
import { propose } from './propose.ts'
import { resend, scheduleResend } from './stall.ts'
import { answer } from './serve.ts'
import { emitEffect, type EngineState, slotOf } from './state.ts'
import { countVote, convict, receiveVote } from './tally.ts'

/**
 * One thing happened: `state` becomes what it is after it, and what the runtime must do is returned, in order.
 *
 * The same events in the same order give the same effects. `now` is milliseconds since 1970 and should not go back.
 * Never throws for what a peer sent.
 */
export function step(state: EngineState, now: number, event: EngineEvent): readonly Effect[] {
  state.now = Math.max(state.now, now)
  handle(state, event)
  settle(state)
  return flush(state)
}

function handle(state: EngineState, event: EngineEvent): void {
  switch (event.type) {
    case 'start':
      return start(state)
    case 'received':
      return receive(state, event.from, event.message)
    case 'durable':
      return noteDurable(state, event.token)
    case 'timer':
      if (event.id === state.timerIds[event.timer]) fire(state, event.timer)
      return
    case 'validated':
      return noteValidated(state, event.root, event.valid)
    case 'applied':
      return noteApplied(state, event.height, event.stateRoot)
    case 'installed':
      return installSnapshot(state, event.snapshot)
    case 'submit':
      return submit(state, event.operation)
    case 'reconfigure':
      noteCandidate(state, event.committee)
      return startNextEpoch(state)
    default:
      return event satisfies never
  }
}

function start(state: EngineState): void {
  state.waiting.add(state.current)
  state.changed = true
  startSlotTimers(state)
  scheduleResend(state)
  for (const vote of state.orphaned) {
    const root = state.blocks.get(vote.digest)?.header.payloadRoot
    if (root !== undefined) wantPayload(state, root)
  }
  for (const [root, { payload, verdict }] of state.payloads) {
    if (verdict === 'pending') emitEffect(state, { type: 'validate', root, payload })
  }
  applyReady(state)
  syncFrom(state, nextPeer(state))
}

function receive(state: EngineState, from: PeerId, message: Message): void {
  switch (message.type) {
    case 'proposal':
      noteEpoch(state, from, message.proposal.header.epoch)
      return receiveProposal(state, from, message.proposal)
    case 'payload':
      return receivePayload(state, message.payload)
    case 'vote':
      noteEpoch(state, from, message.vote.epoch)
      receiveVote(state, from, message.vote)
      return noteAhead(state, from, message.vote.slot)
    case 'certificate':
      noteEpoch(state, from, message.certificate.epoch)
      return receiveCertificate(state, message.certificate)
    case 'fetch':
      return answer(state, from, message.want)
    case 'batch':
      return receiveBatch(state, from, message.items, message.height)
    case 'operations':
      return receiveOperations(state, message.operations)
    case 'ready':
      return receiveReady(state, message.ready)
    case 'committee':
      return receiveNamed(state, message.committee, message.readies)
    case 'evidence': {
      const { evidence } = message
      if (evidence.type === 'certificates' || !verifyEvidence(state.init.ledger, state.epoch.committee, state.init.verifier, evidence))
        return
      const about = evidence.type === 'votes' ? evidence.first : evidence.first.header
      if (about.epoch === state.epoch.number) convict(state, evidence, evidence.type === 'votes' ? evidence.first.seat : evidence.seat)
      return
    }
    default:
      return message satisfies never
  }
}

/** Items in the order in which they help; one that is bad does not spoil the others. A full answer that helped is followed by the next question. */
function receiveBatch(state: EngineState, from: PeerId, items: readonly BatchItem[], height: number): void {
  const before = [state.final.height, firstGap(state)]
  for (const { proposal, certificate, committee } of items.slice(0, BATCH_ITEMS_MAX)) {
    if (proposal !== undefined) receiveProposal(state, from, proposal, certificate !== undefined && certifies(state, certificate, proposal))
    if (certificate !== undefined) receiveCertificate(state, certificate)
    if (committee !== undefined) receiveCommittee(state, committee)
  }
  state.atTip = state.final.height >= height
  const helped = state.final.height !== before[0] || firstGap(state) !== before[1]
  if (helped && (!state.atTip || items.length >= BATCH_SLOTS_MAX)) syncFrom(state, from)
}

/** A peer in a later epoch knows how this one ended. */
function noteEpoch(state: EngineState, from: PeerId, epoch: number): void {
  if (epoch <= state.epoch.number || state.syncedSlot === state.current) return
  state.syncedSlot = state.current
  syncFrom(state, from)
}

/** f+1 seats in later slots cannot all be lying: somebody has a certificate that is missing here. */
function noteAhead(state: EngineState, from: PeerId, slot: number): void {
  if (slot <= state.current || state.syncedSlot === state.current) return
  const ahead = state.lastActive.filter((last, seat) => seat !== state.seat && last > state.current).length
  if (ahead <= state.epoch.committee.size.f) return
  state.syncedSlot = state.current
  syncFrom(state, from)
}

/** What was cast with this token, or before it, counts here from now on as everywhere else. */
function noteDurable(state: EngineState, token: number): void {
  const durable = state.undurable.filter((entry) => entry.token <= token)
  state.undurable = state.undurable.filter((entry) => entry.token > token)
  if (state.epochToken !== undefined && state.epochToken <= token) activateEpoch(state)
  for (const vote of durable.flatMap(({ votes }) => votes)) {
    if (vote.epoch === state.epoch.number && vote.slot > state.final.slot) countVote(state, slotOf(state, vote.slot), vote)
  }
}

function fire(state: EngineState, timer: TimerName): void {
  switch (timer) {
    case 'slot':
      if (!state.active) return
      slotOf(state, state.current).timedOut = true
      state.waiting.add(state.current)
      state.barren++
      break
    case 'propose':
      endWait(state)
      break
    case 'hold':
      endHold(state)
      break
    case 'resend':
      return resend(state)
    case 'fetch':
      return retryWants(state)
    default:
      return timer satisfies never
  }
  state.changed = true
}

/** Follows every change to its end: what waited is looked at again, and a leader proposes as soon as it can. */
function settle(state: EngineState): void {
  while (state.changed) {
    state.changed = false
    evaluateWaiting(state)
    propose(state)
    forward(state)
  }
}

/** Orders the step's records before everything, and ties what must wait for them to their token. */
function flush(state: EngineState): readonly Effect[] {
  const { out, records, castNow, afterNow } = state
  if (records.length > 0 || castNow.length > 0) {
    state.token++
    if (records.some(({ type }) => type === 'epoch')) state.epochToken = state.token
    if (castNow.length > 0) state.undurable.push({ token: state.token, votes: castNow })
  }
  const { token } = state
  const effects: Effect[] = records.length > 0 || castNow.length > 0 ? [{ type: 'persist', records, token }] : []
  for (const [index, effect] of out.entries()) {
    const waits = effect.type === 'apply' || (effect.type === 'send' && afterNow.has(index))
    effects.push(waits ? { ...effect, after: token } : effect)
  }
  state.out = []
  state.records = []
  state.castNow = []
  afterNow.clear()
  return effects
}
