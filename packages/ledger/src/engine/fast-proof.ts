import type { Certificate } from '../certificate.ts'
import type { Vote } from '../votes.ts'
import { STALE_SLOTS_MAX } from './limits.ts'
import type { PeerId } from './messages.ts'
import { type EngineState, send, type SlotState } from './state.ts'

/**
 * A final vote that comes after the fast path made its slot final here says that its seat missed a first vote. Whoever had all of them casts no
 * final vote, so that seat would wait for the next resend, and everybody for it: the proof goes to it at once.
 */
export function answerFinalVote(state: EngineState, from: PeerId, { kind, slot, seat }: Vote): void {
  const { history, final, epoch } = state
  if (kind !== 'final' || slot <= final.slot - STALE_SLOTS_MAX || epoch.committee.members[seat]?.peer !== from) return
  for (let at = history.length - 1; at >= 0 && history[at]!.header.slot >= slot; at--) {
    const { header, certificate } = history[at]!
    if (header.slot === slot && certificate?.kind === 'fast') send(state, [from], { type: 'certificate', certificate })
  }
}

/** The fast path made `slot` final: those whose final votes are here already are told as well. */
export function tellFinalVoters(state: EngineState, { finals }: SlotState, certificate: Certificate): void {
  const { members } = state.epoch.committee
  const waiting = finals.flatMap((vote, seat) => (vote === undefined || seat === state.seat ? [] : [members[seat]!.peer]))
  if (waiting.length > 0) send(state, waiting, { type: 'certificate', certificate })
}
