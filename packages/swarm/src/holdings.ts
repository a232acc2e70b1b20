import type { Bitmap, CID } from '@cairn/protocol'
import type { Clock, Timer } from '@cairn/runtime'
import { HAVE_UPDATE_INTERVAL_MS } from './limits.ts'

/** Hears which chunks of a snapshot have become available here. */
export type HoldingListener = (chunks: readonly number[]) => void

interface Holding {
  readonly have: Bitmap
  readonly listeners: Set<HoldingListener>
  fresh: number[]
  timer: Timer | undefined
}

/**
 * Which snapshots this participant holds, wholly or in part.
 *
 * Somebody may listen for a snapshot before it is held: two nodes that start together find each other empty.
 */
export class Holdings {
  readonly #clock: Clock
  readonly #holdings = new Map<string, Holding>()
  readonly #early = new Map<string, Set<HoldingListener>>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** Says that `have` of `snapshot` can be fetched here. The bitmap is live: {@link delivered} tells of its growth. */
  add(snapshot: CID, have: Bitmap): void {
    const key = snapshot.toString()
    const listeners = this.#holdings.get(key)?.listeners ?? this.#early.get(key) ?? new Set<HoldingListener>()
    this.#early.delete(key)
    this.#holdings.set(key, { have, listeners, fresh: [], timer: undefined })
    const held = [...have.indices()]
    if (held.length > 0) for (const listener of listeners) listener(held)
  }

  remove(snapshot: CID): void {
    const key = snapshot.toString()
    const holding = this.#holdings.get(key)
    if (holding === undefined) return
    holding.timer?.cancel()
    this.#holdings.delete(key)
    // Whoever listens goes on: the snapshot may be held again.
    if (holding.listeners.size > 0) this.#early.set(key, holding.listeners)
  }

  get(snapshot: CID): Bitmap | undefined {
    return this.#holdings.get(snapshot.toString())?.have
  }

  /** Whether somebody fetches `snapshot` too and wants to hear of every chunk. */
  isWatched(snapshot: CID): boolean {
    return (this.#holdings.get(snapshot.toString())?.listeners.size ?? 0) > 0
  }

  /** Chunk `chunk` of `snapshot` can be served from now on. Listeners hear of it within {@link HAVE_UPDATE_INTERVAL_MS}. */
  delivered(snapshot: CID, chunk: number): void {
    const holding = this.#holdings.get(snapshot.toString())
    if (holding === undefined || holding.listeners.size === 0) return
    holding.fresh.push(chunk)
    holding.timer ??= this.#clock.setTimer(HAVE_UPDATE_INTERVAL_MS, () => {
      const chunks = holding.fresh.toSorted((a, b) => a - b)
      holding.fresh = []
      holding.timer = undefined
      for (const listener of holding.listeners) listener(chunks)
    })
  }

  /** Calls `listener` for chunks of `snapshot` that become available after now; returns a function that stops it. */
  listen(snapshot: CID, listener: HoldingListener): () => void {
    const key = snapshot.toString()
    let listeners = this.#holdings.get(key)?.listeners ?? this.#early.get(key)
    if (listeners === undefined) {
      listeners = new Set()
      this.#early.set(key, listeners)
    }
    listeners.add(listener)
    return () => {
      listeners.delete(listener)
      if (listeners.size === 0 && this.#early.get(key) === listeners) this.#early.delete(key)
    }
  }

  /** Snapshots held, in the order in which they were added. */
  *entries(): Iterable<{ readonly snapshot: string; readonly have: Bitmap }> {
    for (const [snapshot, { have }] of this.#holdings) yield { snapshot, have }
  }

  stop(): void {
    for (const holding of this.#holdings.values()) holding.timer?.cancel()
  }
}
