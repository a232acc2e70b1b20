import { ProtocolError, type ProtocolFault } from '@cairn/protocol'
import { WorkerThread } from '@cairn/storage'
import type { RebuildJob } from '@cairn/swarm'

export type RebuildReply =
  | { readonly type: 'rebuilt'; readonly frame: Uint8Array }
  | { readonly type: 'refused'; readonly fault: ProtocolFault }

/** Its buffers are outside of this. */
const RESOURCE_LIMITS = { maxYoungGenerationSizeMb: 4, maxOldGenerationSizeMb: 32 }

/** Turns deltas into frames away from the main thread. The thread starts with the first of them. */
export class RebuildThread implements AsyncDisposable {
  #thread: WorkerThread<RebuildJob, RebuildReply> | undefined
  /** Never rejects. */
  #last: Promise<unknown> = Promise.resolve()

  /** @throws {ProtocolError} when the delta is not that of the chunk */
  rebuild(job: RebuildJob): Promise<Uint8Array> {
    const rebuilt = this.#last.then(() => this.#call(job))
    this.#last = rebuilt.catch(() => undefined)
    return rebuilt
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#last
    await this.#thread?.[Symbol.asyncDispose]()
  }

  async #call(job: RebuildJob): Promise<Uint8Array> {
    this.#thread ??= new WorkerThread(new URL('./rebuild-worker.ts', import.meta.url), RESOURCE_LIMITS)
    const reply = await this.#thread.call(job)
    if (reply.type === 'refused') throw new ProtocolError(reply.fault)
    return reply.frame
  }
}
