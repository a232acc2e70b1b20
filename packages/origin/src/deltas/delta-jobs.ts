import type { CID } from '@cairn/protocol'
import { type Clock, type Reporter, Tasks } from '@cairn/runtime'
import type { DeltaOffer, DeltaSource } from '@cairn/swarm'
import type { OriginEvent } from '../events.ts'
import { DELTA_JOB_THREADS, DELTA_JOBS_MAX, DELTA_RETRY_MS } from '../limits.ts'
import type { WorkspaceDeltas } from './workspace-deltas.ts'

interface Job {
  readonly from: CID
  readonly to: CID
}

export interface DeltaJobsComponents {
  readonly deltas: WorkspaceDeltas
  /** Whether a snapshot is one that this origin serves. */
  readonly isServed: (snapshot: CID) => boolean
  readonly clock: Clock
  readonly reporter: Reporter<OriginEvent>
}

/** Serves the deltas of a workspace, and makes those that somebody asks for: one pair of snapshots at a time, in either direction. */
export class DeltaJobs implements DeltaSource, AsyncDisposable {
  readonly #components: DeltaJobsComponents
  readonly #tasks: Tasks
  /** By pair, the first under way. */
  readonly #queue = new Map<string, Job>()
  /** Until when a pair whose deltas could not be made is left alone. */
  readonly #failed = new Map<string, number>()

  constructor(components: DeltaJobsComponents) {
    this.#components = components
    this.#tasks = new Tasks((error) => components.reporter.report({ type: 'deltas-failed', pair: '', reason: reasonOf(error) }))
  }

  delta(cid: CID, basis: readonly CID[]): Promise<Uint8Array | undefined> {
    return this.#components.deltas.sets.delta(cid, basis)
  }

  async offer(snapshot: CID, from: CID): Promise<DeltaOffer> {
    const { deltas, isServed, clock } = this.#components
    const sizes = await deltas.sets.sizes(from, snapshot)
    if (sizes !== undefined) return { state: 'ready', sizes }
    const key = pairOf({ from, to: snapshot })
    if (this.#queue.has(key)) return preparing(deltas.sets.sizesSoFar(from, snapshot))
    // Only of what is published here: nobody can make this origin work for snapshots of its own making.
    if (from.equals(snapshot) || !isServed(from) || !isServed(snapshot)) return { state: 'none' }
    if (this.#queue.size >= DELTA_JOBS_MAX || (this.#failed.get(key) ?? 0) > clock.monotonicMs()) return { state: 'none' }
    this.#queue.set(key, { from, to: snapshot })
    if (this.#queue.size === 1) this.#tasks.spawn('deltas', (signal) => this.#work(signal))
    return { state: 'preparing' }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#tasks.stop()
  }

  async #work(signal: AbortSignal): Promise<void> {
    const { deltas, clock, reporter } = this.#components
    for (let next = first(this.#queue); next !== undefined && !signal.aborted; next = first(this.#queue)) {
      const [key, { from, to }] = next
      try {
        const { deltasCount, deltaBytes, fetchBytes, durationMs } = await deltas.make(from, to, { signal, threadsCount: DELTA_JOB_THREADS })
        reporter.report({ type: 'deltas-made', pair: key, deltasCount, deltaBytes, fetchBytes, durationMs })
      } catch (error) {
        if (signal.aborted) return
        const nowMs = clock.monotonicMs()
        for (const [other, untilMs] of this.#failed) if (untilMs <= nowMs) this.#failed.delete(other)
        this.#failed.set(key, nowMs + DELTA_RETRY_MS)
        reporter.report({ type: 'deltas-failed', pair: key, reason: reasonOf(error) })
      } finally {
        this.#queue.delete(key)
      }
    }
  }
}

function preparing(sizes: ReadonlyMap<number, number> | undefined): DeltaOffer {
  return sizes === undefined || sizes.size === 0 ? { state: 'preparing' } : { state: 'preparing', sizes }
}

function first(queue: ReadonlyMap<string, Job>): [string, Job] | undefined {
  for (const entry of queue) return entry
  return undefined
}

function pairOf({ from, to }: Job): string {
  return `${from.toString()} → ${to.toString()}`
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
