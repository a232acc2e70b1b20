import { createHash } from 'node:crypto'
import type { Certificate } from '../certificate.ts'
import type { Vote } from '../votes.ts'
import { nextPeer, syncFrom } from './wants.ts'
import { repeatReady } from './epochs.ts'
import { applyReady, finalise } from './finalise.ts'
import { BACKOFF_DOUBLINGS_MAX, RESEND_SLOTS_MAX } from './limits.ts'
import { forward, forwardOldest } from './pool.ts'
import { repeatProposal } from './propose.ts'
import { type EngineState, send, sendAfterRecords, setTimer, type SlotState } from './state.ts'

/** R9: if nothing moved since the last time, says again what this seat has said, and asks somebody what it has missed. */
export function resend(state: EngineState): void {
  const progress = `${state.epoch.number}/${state.final.slot}/${state.current}`
  const moved = progress !== state.lastProgress
  state.lastProgress = progress
  state.stalls = moved ? 0 : state.stalls + 1
  // A header from a clock ahead of this one may be due by now.
  state.changed = true
  if (!moved && isBusy(state)) {
    for (const vote of ownVotes(state)) sendAfterRecords(state, state.others, { type: 'vote', vote })
    for (const certificate of bestCertificates(state)) send(state, state.others, { type: 'certificate', certificate })
    repeatProposal(state)
    forward(state, true)
  } else if (waitsAsBefore(state)) forwardOldest(state)
  repeatReady(state)
  finalise(state)
  applyReady(state)
  syncFrom(state, nextPeer(state))
  scheduleResend(state)
}

export function scheduleResend(state: EngineState): void {
  const { resendMs } = state.init.settings
  const wait = resendMs * 2 ** Math.min(state.stalls, BACKOFF_DOUBLINGS_MAX - 3)
  setTimer(state, 'resend', wait + jitter(state, wait))
}

/** Others' operations became final and the oldest own one did not: it may have been lost on its way to the leader. */
function waitsAsBefore(state: EngineState): boolean {
  const before = state.oldestOwn
  state.oldestOwn = state.pool.own[0]?.id
  return before !== undefined && before === state.oldestOwn
}

/** Whether anyone could be waiting for this seat. */
function isBusy(state: EngineState): boolean {
  return state.seat !== undefined && (state.pool.own.length > 0 || state.current > state.final.slot + 1 || state.slots.has(state.current))
}

/** Own durable votes of open slots: of the oldest, which hold up finality, and of the newest. */
function ownVotes(state: EngineState): Vote[] {
  const { seat, final, current } = state
  if (seat === undefined) return []
  const open: number[] = []
  for (let slot = final.slot + 1; slot <= current; slot++) open.push(slot)
  const half = RESEND_SLOTS_MAX / 2
  const chosen = open.length <= RESEND_SLOTS_MAX ? open : [...open.slice(0, half), ...open.slice(-half)]
  return chosen.flatMap((number) => {
    const slot = state.slots.get(number)
    return slot === undefined ? [] : votesOf(slot, seat)
  })
}

function votesOf(slot: SlotState, seat: number): Vote[] {
  return [slot.first[seat], ...slot.extras[seat]!, slot.finals[seat]].filter((vote) => vote !== undefined)
}

/** What brings others to where this seat is: the certificates of the slot before, and those that prove the newest final block. */
function bestCertificates(state: EngineState): Certificate[] {
  const previous = state.slots.get(state.current - 1)?.certificates ?? []
  const final = state.history.at(-1)?.certificate
  const certificates = [...previous]
  if (state.pendingFinal !== undefined) certificates.push(state.pendingFinal)
  if (final !== undefined && final.epoch === state.epoch.number) certificates.push(final)
  return certificates
}

/** Up to half of `wait`, different for each seat and time, the same in each replay: chance would not be a decision of this engine. */
function jitter(state: EngineState, wait: number): number {
  const hash = createHash('sha256').update(`${state.init.self}/${state.current}/${state.timerIds.resend}`).digest()
  return Math.floor((wait * hash.readUInt16BE(0)) / 2 ** 17)
}
