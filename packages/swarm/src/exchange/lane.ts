import type { Channel } from '@cairn/network'
import { encodeData, encodeExchange, type RefuseCode, SLICE_BYTES_MAX } from '@cairn/protocol'
import type { Clock } from '@cairn/runtime'

/** A block that is read and waits to be sent. */
export interface Parcel {
  /** Of its request. */
  readonly id: number
  readonly position: number
  readonly frame: Uint8Array
  /** Whether the peer has taken it back meanwhile; asked between two slices. */
  readonly isCancelled: () => boolean
  /** Called once, with whether all of it was sent; not if it is taken back by {@link Lane.takeBack}. */
  readonly onEnd: (wasSent: boolean) => void
  readonly onTakenBack: () => void
}

interface Job {
  readonly run: () => Promise<void>
  readonly drop: () => void
  readonly parcel?: Parcel
}

/** The sending side of one channel: blocks and refusals, one after the other, as fast as the peer takes them. */
export class Lane {
  readonly channel: Channel
  readonly #clock: Clock
  readonly #jobs: Job[] = []
  #isRunning = false
  #sinceMs: number | undefined

  constructor(channel: Channel, clock: Clock) {
    this.channel = channel
    this.#clock = clock
  }

  /** How long the peer has not taken what it was given last; 0 while it takes everything. */
  waitedMs(): number {
    return this.#sinceMs === undefined ? 0 : this.#clock.monotonicMs() - this.#sinceMs
  }

  /** Refuses a block; resolves when that is sent, or the channel has ended. */
  refuse(id: number, position: number | 'all', code: RefuseCode): Promise<void> {
    return new Promise((resolve) => {
      const run = (): Promise<void> => this.#post(encodeExchange({ type: 'refuse', id, position, code })).finally(resolve)
      this.#push({ run, drop: resolve })
    })
  }

  send(parcel: Parcel): void {
    const run = async (): Promise<void> => {
      let wasSent = false
      try {
        wasSent = await this.#sendSlices(parcel)
      } finally {
        parcel.onEnd(wasSent)
      }
    }
    this.#push({ run, drop: () => parcel.onEnd(false), parcel })
  }

  /** Takes back the blocks whose sending has not begun. */
  takeBack(): void {
    const waiting = this.#jobs.splice(0)
    this.#jobs.push(...waiting.filter(({ parcel }) => parcel === undefined))
    // From the last to the first, so that each goes before those that were behind it.
    for (const { parcel } of waiting.reverse()) parcel?.onTakenBack()
  }

  #push(job: Job): void {
    if (this.channel.closed.aborted) return job.drop()
    this.#jobs.push(job)
    if (!this.#isRunning) void this.#run()
  }

  async #run(): Promise<void> {
    this.#isRunning = true
    for (let job = this.#jobs.shift(); job !== undefined; job = this.#jobs.shift()) {
      try {
        if (this.channel.closed.aborted) job.drop()
        else await job.run()
      } catch {
        // The channel has ended, of which its `closed` tells; what was queued behind is dropped.
      }
    }
    this.#isRunning = false
  }

  async #sendSlices({ id, position, frame, isCancelled }: Parcel): Promise<boolean> {
    for (let offset = 0; offset < frame.byteLength; offset += SLICE_BYTES_MAX) {
      if (isCancelled()) {
        await this.#post(encodeExchange({ type: 'refuse', id, position, code: 'CANCELLED' }))
        return false
      }
      const slice = frame.subarray(offset, offset + SLICE_BYTES_MAX)
      await this.#post(...encodeData({ type: 'data', id, position, offset, total: frame.byteLength, slice }))
    }
    return true
  }

  async #post(...parts: readonly Uint8Array[]): Promise<void> {
    this.#sinceMs = this.#clock.monotonicMs()
    try {
      await this.channel.send(...parts)
    } finally {
      this.#sinceMs = undefined
    }
  }
}
