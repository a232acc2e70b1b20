import type { Anchors } from './anchors.ts'

/** Anchors that an index is made for, 12 bytes each: 36 MiB of them, for 768 MiB with the densest ones. */
const ANCHORS_MAX = 3 * 1024 * 1024
/** The densest: one of 256 places, so that a database page of 4 KiB has 16. One of 128 makes deltas 1 to 6 % smaller and takes twice the memory. */
const ANCHOR_BITS_MIN = 8
/** Slots for each anchor that is expected, half of them for chains to end at. */
const SLOTS_PER_ANCHOR = 1.5
/** The least: more than one window has, however small the content. */
const SLOTS_MIN = 256
/** Places that are remembered for one hash. What is at more places than that is told apart by what is beside it, or not at all. */
export const ANCHOR_PLACES_MAX = 4
/** Slots that are looked at for one hash, which bounds what contents of somebody's choosing can cost. */
const PROBES_MAX = 64
const SCRAMBLE = 0x2c1b_3c6d

/** The memory of an index, which threads may share: it is written by one and read by others, never at the same time. */
export interface AnchorTable {
  readonly bits: number
  /** Bytes for each unit in which places are counted: 1, or more where 32 bits do not reach the end. Where exactly an anchor was does not matter. */
  readonly unitBytes: number
  readonly hashes: Int32Array
  /** Where the bytes of the anchor end, in units; 0 in an empty slot. */
  readonly ends: Uint32Array
}

/** Finds, for the hash of an anchor, where old content has it. Positions count through the chunks of a snapshot in the order of their indexes. */
export class AnchorIndex {
  readonly table: AnchorTable
  #count = 0

  constructor(table: AnchorTable) {
    this.table = table
  }

  /** An empty one for `bytes` of old content, at positions up to `positionMax`: the more there are, the rarer its anchors. */
  static for(bytes: number, positionMax: number): AnchorIndex {
    let bits = ANCHOR_BITS_MIN
    while (bits < 31 && bytes / 2 ** bits > ANCHORS_MAX) bits++
    let unitBytes = 1
    while (positionMax / unitBytes >= 2 ** 32) unitBytes *= 2
    const slots = SLOTS_MIN + Math.ceil((bytes / 2 ** bits) * SLOTS_PER_ANCHOR)
    return new AnchorIndex({
      bits,
      unitBytes,
      hashes: new Int32Array(new SharedArrayBuffer(4 * slots)),
      ends: new Uint32Array(new SharedArrayBuffer(4 * slots)),
    })
  }

  /** The anchors of content that begins at position `start`. What finds no slot is left out. */
  add(start: number, anchors: Anchors): void {
    const { hashes, ends, unitBytes } = this.table
    const slots = hashes.length
    const countMax = slots * 0.8
    for (let i = 0; i < anchors.length && this.#count < countMax; i += 2) {
      const hash = anchors[i]! | 0
      let slot = this.#slotOf(hash)
      let places = 0
      for (let probe = 0; probe < PROBES_MAX; probe++) {
        if (ends[slot] === 0) {
          hashes[slot] = hash
          ends[slot] = Math.ceil((start + anchors[i + 1]!) / unitBytes)
          this.#count += 1
          break
        }
        if (hashes[slot] === hash && ++places === ANCHOR_PLACES_MAX) break
        if (++slot === slots) slot = 0
      }
    }
  }

  /** Puts the ends of all anchors with this hash into `found`, which has room for {@link ANCHOR_PLACES_MAX}; how many they are. */
  places(hash: number, found: Float64Array): number {
    const { hashes, ends, unitBytes } = this.table
    const slots = hashes.length
    let count = 0
    let slot = this.#slotOf(hash)
    for (let probe = 0; probe < PROBES_MAX && ends[slot] !== 0; probe++) {
      if (hashes[slot] === hash) found[count++] = ends[slot]! * unitBytes
      if (++slot === slots) slot = 0
    }
    return count
  }

  #slotOf(hash: number): number {
    return (Math.imul(hash ^ (hash >>> 16), SCRAMBLE) >>> 0) % this.table.hashes.length
  }
}
