import { type Digest, headerDigest, type LogRecord, type Notice } from '@cairn/ledger'
import type { Clock } from '@cairn/runtime'
import type { ReplicaEvent } from './events.ts'
import { UNAPPLIED_MAX } from './limits.ts'

/** Times blocks from when their header is known here until they are final, and compares leaders' clocks with this seat's. */
export class FinalityWatch {
  readonly #clock: Clock
  readonly #observe: (event: ReplicaEvent) => void
  /** When headers came that are not final yet, oldest first. */
  readonly #knownMs = new Map<Digest, number>()
  #entered: { readonly slot: number; readonly leader: number } | undefined

  constructor(clock: Clock, observe: (event: ReplicaEvent) => void) {
    this.#clock = clock
    this.#observe = observe
  }

  /** A header is recorded as soon as it is known, before anything is voted for it. */
  note(record: LogRecord): void {
    if (record.type !== 'block') return
    const { header } = record.proposal
    this.#knownMs.set(headerDigest(header), this.#clock.monotonicMs())
    const [oldest] = this.#knownMs.keys()
    if (this.#knownMs.size > UNAPPLIED_MAX && oldest !== undefined) this.#knownMs.delete(oldest)
    // Of an older slot it was fetched, and says nothing about a clock.
    if (header.slot !== this.#entered?.slot) return
    this.#observe({ type: 'proposal-seen', leader: this.#entered.leader, offsetMs: header.time - this.#clock.now() })
  }

  notice(notice: Notice): void {
    if (notice.type === 'slot-entered') this.#entered = notice
    if (notice.type !== 'final') return
    const { digest } = notice.point
    const knownMs = this.#knownMs.get(digest)
    if (!this.#knownMs.delete(digest) || knownMs === undefined) return
    this.#observe({ type: 'finality', path: notice.path, durationMs: this.#clock.monotonicMs() - knownMs })
  }
}
