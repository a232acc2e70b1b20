import type { Bitmap } from '@cairn/protocol'
import type { Random } from '@cairn/runtime'
import { ChunkQueue } from './chunk-queue.ts'
import type { ChunkCatalogue, SourceId } from './download-types.ts'
import { type FrameSizes, Offers } from './offers.ts'
import { deadlineBucket, NEVER_ASKED, priorityKey, rarityBucket } from './priority.ts'
import { sharedOrder, Shares } from './shares.ts'
import type { Source } from './source.ts'

/** A chunk's way: missing → requested → received → placed; back to missing when it was bad, refused or late. */
export const MISSING = 0
export const REQUESTED = 1
export const RECEIVED = 2
export const PLACED = 3

/** A peer that fetches the same snapshot, and its share of the missing chunks. */
interface ChunkOwner {
  readonly source: Source
  readonly queue: ChunkQueue
  /** Chunks of its share that neither it has nor we have asked for. */
  leftCount: number
}

/** Where each chunk is on its way, how rare it is, and in which order the missing ones are to be asked for. */
export class ChunkBoard {
  readonly #catalogue: ChunkCatalogue
  readonly #sources: ReadonlyMap<SourceId, Source>
  readonly #state: Uint8Array
  readonly #tieBreak: Uint32Array
  readonly #urgent = new Set<number>()
  /** Deadline bucket of each chunk: how late it is. */
  readonly #deadline: Uint8Array
  /** Partial sources that have each chunk; complete ones have all and would not tell chunks apart. */
  readonly #holders: Uint16Array
  /** Missing chunks of our own share: what complete sources are asked for first. Without other peers, every missing chunk. */
  readonly common: ChunkQueue
  /** Those of our share that some source offers in much fewer bytes. */
  readonly offered: ChunkQueue
  readonly offers: Offers
  /** Index into `#owners` of the peer whose share each chunk is; 0 is ourselves. */
  readonly #owner: Uint8Array
  #owners: readonly ChunkOwner[] = []
  #missingCount = 0
  #urgentMissingCount = 0
  #placedCount = 0

  /** `sources` is the live table of those that are asked: their own queues are kept in step. */
  constructor(catalogue: ChunkCatalogue, have: Bitmap, random: Random, sources: ReadonlyMap<SourceId, Source>) {
    this.#catalogue = catalogue
    this.#sources = sources
    this.#state = new Uint8Array(catalogue.chunksCount)
    this.#tieBreak = new Uint32Array(catalogue.chunksCount)
    this.#deadline = new Uint8Array(catalogue.chunksCount).fill(NEVER_ASKED)
    this.#holders = new Uint16Array(catalogue.chunksCount)
    this.#owner = new Uint8Array(catalogue.chunksCount)
    this.offers = new Offers(catalogue.chunksCount, (chunk) => catalogue.chunkBytes(chunk))
    this.common = new ChunkQueue((chunk) => (this.#isKept(chunk) ? undefined : this.currentKey(chunk)))
    this.offered = new ChunkQueue((chunk) => (this.#isKept(chunk) ? this.currentKey(chunk) : undefined))
    for (let chunk = 0; chunk < catalogue.chunksCount; chunk++) {
      this.#tieBreak[chunk] = random.u32()
      if (have.get(chunk)) {
        this.#state[chunk] = PLACED
        this.#placedCount += 1
      } else {
        this.#missingCount += 1
        this.common.push(chunk, this.key(chunk))
      }
    }
  }

  get missingCount(): number {
    return this.#missingCount
  }

  /** Missing chunks that somebody waits for. */
  get urgentMissingCount(): number {
    return this.#urgentMissingCount
  }

  get placedCount(): number {
    return this.#placedCount
  }

  /** `undefined` for a number that is no chunk. */
  state(chunk: number): number | undefined {
    return this.#state[chunk]
  }

  markRequested(chunk: number): void {
    this.#leaveMissing(chunk)
    this.#state[chunk] = REQUESTED
  }

  markReceived(chunk: number): void {
    this.#leaveMissing(chunk)
    this.#state[chunk] = RECEIVED
  }

  markPlaced(chunk: number): void {
    this.#state[chunk] = PLACED
    this.#placedCount += 1
    this.#urgent.delete(chunk)
  }

  /** `waitedMs`: how long it was waited for in vain. */
  markMissing(chunk: number, waitedMs = 0): void {
    if (this.#state[chunk] !== MISSING) this.offers.changed(chunk, true)
    this.#state[chunk] = MISSING
    this.#deadline[chunk] = Math.min(this.#deadline[chunk]!, deadlineBucket(waitedMs))
    this.#missingCount += 1
    this.#countLeft(chunk, 1)
    if (this.#urgent.has(chunk)) this.#urgentMissingCount += 1
    this.#enqueue(chunk)
  }

  /** A placed chunk is missing again. */
  markLost(chunk: number): void {
    if (this.#state[chunk] !== PLACED) return
    this.#placedCount -= 1
    this.markMissing(chunk)
  }

  /** Whether somebody waits for `chunk`. */
  isUrgent(chunk: number): boolean {
    return this.#urgent.has(chunk)
  }

  /** Puts `chunk` before all others. */
  prefer(chunk: number): void {
    if (chunk >= this.#catalogue.chunksCount || this.#state[chunk] === PLACED || this.#urgent.has(chunk)) return
    this.#urgent.add(chunk)
    if (this.#state[chunk] === MISSING) this.#urgentMissingCount += 1
    this.#enqueue(chunk)
  }

  /**
   * Divides what is missing among ourselves and `peers`, partial sources that fetch the same: each asks the complete sources
   * for its own share, and the others for theirs. `self` is our own id among them.
   */
  share(self: SourceId, peers: readonly Source[]): void {
    const shares = new Shares([self, ...peers.map(({ id }) => id)])
    this.#owners = peers.map((source) => ({ source, queue: new ChunkQueue(this.currentKey), leftCount: 0 }))
    for (let chunk = 0; chunk < this.#catalogue.chunksCount; chunk++) {
      const owner = peers.length === 0 ? 0 : shares.ownerOf(chunk)
      this.#owner[chunk] = owner
      if (this.#state[chunk] === MISSING) this.#countLeft(chunk, 1)
      this.#enqueue(chunk)
    }
  }

  /**
   * A missing chunk out of the share of a peer that is far behind, from the end that it comes to last;
   * `undefined` when everybody will have done what is left of theirs within `horizonMs`.
   */
  popForeign(now: number, horizonMs: number): number | undefined {
    for (const { source, queue, leftCount } of this.#owners) {
      if (leftCount <= source.gainsPerMs(now) * horizonMs) continue
      const chunk = queue.pop()
      if (chunk !== undefined) return chunk
    }
    return undefined
  }

  /** `source` offers chunks in the frame bytes of `sizes`. */
  addOffers(source: Source, sizes: FrameSizes): void {
    for (const chunk of this.offers.add(source, sizes, this.#isMissing)) this.#enqueue(chunk)
  }

  /** `source` does not send `chunk`, or not in time: others may. */
  withdrawOffer(source: Source, chunk: number): void {
    if (this.offers.withdraw(source, chunk, this.#isMissing(chunk))) this.#enqueue(chunk)
  }

  /** `source` left, and its offers with it. */
  removeOffers(source: Source): void {
    for (const chunk of this.offers.remove(source, this.#isMissing)) this.#enqueue(chunk)
  }

  /** Puts a chunk back that a queue of {@link popForeign}, {@link common} or {@link offered} gave out and nobody was asked for. */
  putBack(chunk: number): void {
    this.#queueOf(chunk).push(chunk, this.key(chunk))
  }

  /** Partial source `source` has `chunk`. */
  addHolder(chunk: number, source: Source): void {
    const owner = this.#owners[this.#owner[chunk]! - 1]
    if (owner?.source === source && this.#state[chunk] === MISSING) owner.leftCount -= 1
    this.#changeHolders(chunk, 1)
    if (this.#state[chunk] === MISSING) source.queue?.push(chunk, this.key(chunk))
  }

  /** A partial source that had `chunk` left, or turned out not to have it. */
  removeHolder(chunk: number): void {
    this.#changeHolders(chunk, -1)
  }

  key(chunk: number): number {
    return priorityKey({
      stage: this.#catalogue.chunkStage(chunk),
      isUrgent: this.#urgent.has(chunk),
      deadline: this.#deadline[chunk]!,
      holdersCount: this.#holders[chunk]!,
      tieBreak: this.#order(chunk),
    })
  }

  /** The key under which a queue's entry for `chunk` is valid; none unless it is missing. */
  readonly currentKey = (chunk: number): number | undefined => (this.#state[chunk] === MISSING ? this.key(chunk) : undefined)

  #leaveMissing(chunk: number): void {
    if (this.#state[chunk] !== MISSING) return
    this.offers.changed(chunk, false)
    this.#missingCount -= 1
    this.#countLeft(chunk, -1)
    if (this.#urgent.has(chunk)) this.#urgentMissingCount -= 1
  }

  /** Keeps the count of what is left of another peer's share as `chunk` becomes missing here, or ceases to be. */
  #countLeft(chunk: number, by: 1 | -1): void {
    const owner = this.#owners[this.#owner[chunk]! - 1]
    if (owner !== undefined && !owner.source.has(chunk)) owner.leftCount += by
  }

  /** Puts a missing chunk under its present key into every queue that may hand it out. */
  #enqueue(chunk: number): void {
    if (this.#state[chunk] !== MISSING) return
    const key = this.key(chunk)
    this.#queueOf(chunk).push(chunk, key)
    if (this.#holders[chunk] === 0) return
    for (const source of this.#sources.values()) {
      if (source.queue !== undefined && source.has(chunk)) source.queue.push(chunk, key)
    }
  }

  /** Alone, our seed decides; with others, the order that all share, which those who help its owner go through backwards. */
  #order(chunk: number): number {
    if (this.#owners.length === 0) return this.#tieBreak[chunk]!
    return this.#owner[chunk] === 0 ? sharedOrder(chunk) : 0xffff_ffff - sharedOrder(chunk)
  }

  #queueOf(chunk: number): ChunkQueue {
    // What somebody waits for is not left to another peer's pace.
    if (this.#urgent.has(chunk)) return this.common
    return this.#owners[this.#owner[chunk]! - 1]?.queue ?? (this.offers.has(chunk) ? this.offered : this.common)
  }

  readonly #isMissing = (chunk: number): boolean => this.#state[chunk] === MISSING

  /** Whether chunk `chunk`, if it is missing, is one of {@link offered}. */
  #isKept(chunk: number): boolean {
    return this.offers.has(chunk) && !this.#urgent.has(chunk)
  }

  #changeHolders(chunk: number, by: 1 | -1): void {
    const before = this.#holders[chunk]!
    this.#holders[chunk] = before + by
    if (rarityBucket(before) !== rarityBucket(before + by)) this.#enqueue(chunk)
  }
}
