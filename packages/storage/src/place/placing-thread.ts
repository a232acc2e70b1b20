import { Worker } from 'node:worker_threads'
import { FRAME_BYTES_MAX, ProtocolError, SHA256_BYTES } from '@cairn/protocol'
import { StorageError } from '../errors.ts'
import { workerEnvironment } from '../worker-thread.ts'
import { FrameRing } from './frame-ring.ts'
import type { PlacedFile } from './journal-codec.ts'
import type { AdoptedFile, AdoptJob, CopyJob, PlaceJob, Placer, ReadJob, ScanJob, ScannedPiece, TargetFile } from './placer.ts'
import type { PlacingReply, PlacingRequest, PlacingValues } from './placing-messages.ts'

/** Holds what a download lets pile up before it is placed, and the largest frame always finds room. */
const RING_BYTES = 8 * 1024 * 1024 + FRAME_BYTES_MAX + SHA256_BYTES
/** The placing thread's own garbage, in MiB: it makes little that lives, so a small young generation is collected in no time. */
const YOUNG_GENERATION_MIB = 4

type Value = Extract<PlacingReply, { value: unknown }>['value']
type CallOf<Type extends PlacingRequest['type']> = Omit<Extract<PlacingRequest, { type: Type }>, 'id'>
type Call = { readonly [Type in PlacingRequest['type']]: CallOf<Type> }[PlacingRequest['type']]

interface Pending {
  readonly isPlacement: boolean
  readonly resolve: (value: Value) => void
  readonly reject: (reason: unknown) => void
}

interface WaitingPlacement {
  readonly job: PlaceJob
  readonly pending: Pending
}

/**
 * A {@link Placer} on a thread of its own: a chunk is checked, inflated and written there, after one hand-over that costs the main thread
 * a copy into shared memory. Whatever is asked for in one turn of the event loop travels together.
 *
 * Its heap is small, so the garbage that inflating makes costs little there; on the main thread each collection would mark all of the heap.
 */
export class PlacingThread implements Placer {
  readonly #worker: Worker
  readonly #ring = new FrameRing(RING_BYTES)
  readonly #pending = new Map<number, Pending>()
  /** Placements that the ring has no room for; bounded by what a download asks for at once. */
  readonly #waiting: WaitingPlacement[] = []
  #batch: PlacingRequest[] = []
  #nextId = 0
  #ended: Error | undefined

  constructor() {
    this.#worker = new Worker(new URL('./placing-worker.ts', import.meta.url), {
      name: 'cairn-placing',
      workerData: this.#ring.memory,
      env: workerEnvironment(),
      resourceLimits: { maxYoungGenerationSizeMb: YOUNG_GENERATION_MIB },
    })
    this.#worker.on('message', (replies: readonly PlacingReply[]) => this.#answered(replies))
    this.#worker.on('error', (error) => this.#end(error))
    this.#worker.on('exit', (code) => this.#end(new Error(`the placing thread ended with code ${code}`)))
    // Alone it keeps no process alive; whoever waits for it does.
    this.#worker.unref()
  }

  place(job: PlaceJob): Promise<readonly PlacedFile[]> {
    return new Promise((resolve, reject) => {
      // The thread answers each request with the value of its type.
      const pending: Pending = { isPlacement: true, resolve: (value) => resolve(value as PlacingValues['place']), reject }
      if (this.#waiting.length > 0 || !this.#post(job, pending)) this.#waiting.push({ job, pending })
    })
  }

  async read(job: ReadJob): Promise<Uint8Array | undefined> {
    // A view would take all of the memory behind it along.
    return this.#call<'read'>({ type: 'read', job: { ...job, digest: job.digest.slice() } })
  }

  async copy(job: CopyJob): Promise<readonly PlacedFile[] | undefined> {
    return this.#call<'copy'>({ type: 'copy', job: { ...job, digest: job.digest.slice() } })
  }

  async adopt(job: AdoptJob): Promise<AdoptedFile | undefined> {
    return this.#call<'adopt'>({ type: 'adopt', job })
  }

  async scan(job: ScanJob): Promise<ScannedPiece | undefined> {
    return this.#call<'scan'>({ type: 'scan', job })
  }

  async make(file: TargetFile): Promise<readonly PlacedFile[]> {
    return this.#call<'make'>({ type: 'make', file })
  }

  async sync(files: readonly TargetFile[]): Promise<void> {
    await this.#call<'sync'>({ type: 'sync', files })
  }

  async forget(entry: number): Promise<void> {
    await this.#call<'forget'>({ type: 'forget', entry })
  }

  async release(): Promise<void> {
    await this.#call<'release'>({ type: 'release' })
  }

  /** Ends the thread; what it has not done is not done. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#worker.terminate()
  }

  #call<Type extends PlacingRequest['type']>(call: CallOf<Type> & Call): Promise<PlacingValues[Type]> {
    return new Promise((resolve, reject) => {
      this.#send(call, { isPlacement: false, resolve: (value) => resolve(value as PlacingValues[Type]), reject })
    })
  }

  #post({ frame, digest, plainBytes, places, delta }: PlaceJob, pending: Pending): boolean {
    const offset = this.#ring.put(digest, frame)
    if (offset === undefined) return false
    this.#send({ type: 'place', offset, frameBytes: frame.byteLength, plainBytes, places, delta }, pending)
    return true
  }

  #send(call: Call, pending: Pending): void {
    if (this.#ended !== undefined) return pending.reject(this.#ended)
    const id = this.#nextId++
    this.#pending.set(id, pending)
    if (this.#pending.size === 1) this.#worker.ref()
    if (this.#batch.length === 0) setImmediate(() => this.#flush())
    this.#batch.push({ ...call, id })
  }

  #flush(): void {
    const batch = this.#batch
    this.#batch = []
    this.#worker.postMessage(batch)
  }

  #answered(replies: readonly PlacingReply[]): void {
    for (const reply of replies) {
      const pending = this.#pending.get(reply.id)
      if (pending === undefined) continue
      this.#pending.delete(reply.id)
      if (pending.isPlacement) this.#ring.free()
      if ('value' in reply) pending.resolve(reply.value)
      else pending.reject(errorOf(reply))
    }
    if (this.#pending.size === 0) this.#worker.unref()
    for (let next = this.#waiting[0]; next !== undefined && this.#post(next.job, next.pending); next = this.#waiting[0]) {
      this.#waiting.shift()
    }
  }

  #end(error: Error): void {
    this.#ended ??= error
    for (const { reject } of this.#pending.values()) reject(this.#ended)
    for (const { pending } of this.#waiting) pending.reject(this.#ended)
    this.#pending.clear()
    this.#waiting.length = 0
  }
}

function errorOf(reply: Exclude<PlacingReply, { value: unknown }>): Error {
  if ('error' in reply) return new Error(`the placing thread failed: ${reply.error}`)
  return reply.fault.of === 'protocol' ? new ProtocolError(reply.fault.is) : new StorageError(reply.fault.is)
}
