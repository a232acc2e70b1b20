import { randomInt } from 'node:crypto'
import type { PeerId } from '@cairn/ledger'
import type { Clock, Timer } from '@cairn/runtime'
import { READS_WAITING_MAX } from '../limits.ts'
import type { ReadMessage } from './read-message.ts'
import type { ReadView } from './read-view.ts'

export interface ReadBarrierInit {
  readonly clock: Clock
  readonly view: () => ReadView
  /** Slot of the newest applied block. */
  readonly appliedSlot: () => number
  readonly send: (to: readonly PeerId[], message: ReadMessage) => void
}

/** Those who have not answered by then are asked again: a message was lost, or a stream had to be opened. */
const ASK_AGAIN_MS = 200

/** Readers that asked before any of the answers was given. */
interface Round {
  readonly number: number
  readonly view: ReadView
  /** Slots by seat. */
  readonly answers: Map<number, number>
  readonly readers: Set<(passed: boolean) => void>
}

/**
 * Tells when the state that is applied here holds everything that had become final anywhere when a reader asked.
 *
 * A block is final only after Q seats, or F, voted for it. Any Q seats have an honest one in common with them, which says a slot as high: once a
 * final block of the highest slot that Q seats say is applied here, so is every block that was final before they were asked. Seats that say too high a slot only
 * delay, and not even that once Q others have answered; no clock is trusted, and no block is written for a read.
 *
 * Readers that come while a round is under way wait for the next, for its answers may be older than they are.
 */
export class ReadBarrier {
  readonly #init: ReadBarrierInit
  #round: Round | undefined
  /** Begins anywhere: what was asked before a restart answers nothing after it. */
  #roundsCount = randomInt(2 ** 40)
  readonly #next = new Set<(passed: boolean) => void>()
  #timer: Timer | undefined
  #stopped = false

  constructor(init: ReadBarrierInit) {
    this.#init = init
  }

  /** Resolves with true when the applied state is as new as it must be; with false if too many wait, at a stop, or when `signal` aborts. */
  async pass(signal?: AbortSignal): Promise<boolean> {
    if (this.#stopped || signal?.aborted || this.count >= READS_WAITING_MAX) return false
    return await new Promise<boolean>((resolve) => {
      const settle = (passed: boolean): void => {
        signal?.removeEventListener('abort', onAbort)
        resolve(passed)
      }
      const onAbort = (): void => {
        this.#next.delete(settle)
        this.#round?.readers.delete(settle)
        settle(false)
      }
      signal?.addEventListener('abort', onAbort, { once: true })
      this.#next.add(settle)
      if (this.#round === undefined) this.#begin(new Set())
    })
  }

  /** Readers that wait. */
  get count(): number {
    return this.#next.size + (this.#round?.readers.size ?? 0)
  }

  hear(from: PeerId, message: ReadMessage): void {
    if (this.#stopped) return
    if (message.type === 'ask') {
      const { seat, votedSlot } = this.#init.view()
      // Who has no seat, or may not use it for its log is gone, does not know what that seat has voted for.
      if (seat === undefined) return
      return this.#init.send([from], { type: 'answer', round: message.round, votedSlot })
    }
    const round = this.#round
    if (round?.number !== message.round) return
    const seat = round.view.committee.members.findIndex(({ peer }) => peer === from)
    if (seat < 0) return
    // What it said first was said after the readers asked: nothing newer need be waited for.
    if (!round.answers.has(seat)) round.answers.set(seat, message.votedSlot)
    this.progressed()
  }

  /** Something was applied, or an epoch began. */
  progressed(): void {
    const round = this.#round
    if (round === undefined) return
    const view = this.#init.view()
    // The new committee may have made blocks final that the old one knows nothing of.
    if (view.epoch !== round.view.epoch) return this.#begin(round.readers)
    const { committee, baseSlot } = round.view
    const slots = [...round.answers.values()].sort((a, b) => a - b)
    const highest = slots[committee.thresholds.quorum - 1]
    if (highest === undefined || view.isEnding || this.#init.appliedSlot() < Math.max(highest, baseSlot)) return
    for (const settle of round.readers) settle(true)
    this.#begin(new Set())
  }

  stop(): void {
    this.#stopped = true
    this.#timer?.cancel()
    for (const settle of [...this.#next, ...(this.#round?.readers ?? [])]) settle(false)
    this.#next.clear()
    this.#round = undefined
  }

  /** A round for `readers` and all who wait for the next; none for nobody. */
  #begin(readers: Set<(passed: boolean) => void>): void {
    this.#timer?.cancel()
    for (const settle of this.#next) readers.add(settle)
    this.#next.clear()
    this.#round = undefined
    if (readers.size === 0) return
    const view = this.#init.view()
    this.#round = { number: ++this.#roundsCount, view, answers: new Map(), readers }
    if (view.seat !== undefined) this.#round.answers.set(view.seat, view.votedSlot)
    this.#ask(this.#round)
    this.progressed()
  }

  #ask(round: Round): void {
    if (this.#round !== round) return
    if (round.readers.size === 0) return this.#begin(new Set())
    const { committee, seat: own } = round.view
    const silent = committee.members.filter((_, seat) => seat !== own && !round.answers.has(seat)).map(({ peer }) => peer)
    this.#init.send(silent, { type: 'ask', round: round.number })
    this.#timer = this.#init.clock.setTimer(ASK_AGAIN_MS, () => this.#ask(round))
  }
}
