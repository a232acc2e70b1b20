import { ProtocolError } from './errors.ts'
import { CHUNKS_MAX } from './limits.ts'

// Version in the high four bits, kind in the low four.
const KIND_RAW = 0x10
const KIND_RUNS = 0x11

/**
 * Which of `size` chunks are held, by chunk index.
 *
 * Invariants: `count` is the number of set bits; bits at `size` and above are zero in memory and in every encoding.
 *
 * @see ../spec/bitmap.md
 */
export class Bitmap {
  readonly size: number
  readonly #words: Uint32Array
  #count = 0

  /**
   * `size` clear bits.
   *
   * @throws {ProtocolError} `TOO_LARGE` above `CHUNKS_MAX`, before anything is allocated
   */
  constructor(size: number) {
    if (!Number.isSafeInteger(size) || size < 0) throw new RangeError(`a bitmap of ${size} bits`)
    if (size > CHUNKS_MAX) throw new ProtocolError({ code: 'TOO_LARGE', what: 'bitmap size', value: size, max: CHUNKS_MAX })
    this.size = size
    this.#words = new Uint32Array(Math.ceil(size / 32))
  }

  static full(size: number): Bitmap {
    const bitmap = new Bitmap(size)
    bitmap.#fill(0, size)
    bitmap.#count = size
    return bitmap
  }

  /**
   * Reads the encoding of a bitmap of `size` bits from a peer. `size` is what the receiver knows of the snapshot, never what the peer
   * says. Accepts exactly what {@link encode} writes, so equal bitmaps have equal bytes.
   *
   * @throws {ProtocolError} `TOO_LARGE` if `bytes` is longer than any bitmap of `size` bits; `UNSUPPORTED_VERSION`; `MALFORMED`
   */
  static decode(bytes: Uint8Array, size: number): Bitmap {
    const bitmap = new Bitmap(size)
    const max = rawBytes(size)
    if (bytes.byteLength > max) throw new ProtocolError({ code: 'TOO_LARGE', what: 'encoded bitmap', value: bytes.byteLength, max })
    const kind = bytes[0]
    if (kind === undefined) throw malformed('empty')
    if (kind >> 4 !== KIND_RAW >> 4) {
      throw new ProtocolError({ code: 'UNSUPPORTED_VERSION', what: 'bitmap', found: kind >> 4, supported: KIND_RAW >> 4 })
    }
    if (kind === KIND_RAW) bitmap.#readRaw(bytes)
    else if (kind === KIND_RUNS) bitmap.#readRuns(bytes)
    else throw malformed(`kind ${kind & 0x0f}`)
    // One check for every second spelling: padding bits, empty runs, long varints, the larger of the two kinds.
    if (Buffer.compare(bitmap.encode(), bytes) !== 0) throw malformed('not the canonical encoding')
    return bitmap
  }

  /** How many bits are set. */
  get count(): number {
    return this.#count
  }

  isFull(): boolean {
    return this.#count === this.size
  }

  get(index: number): boolean {
    this.#check(index)
    return ((this.#words[index >>> 5]! >>> (index & 31)) & 1) === 1
  }

  set(index: number): void {
    if (this.get(index)) return
    this.#words[index >>> 5]! |= 1 << (index & 31)
    this.#count += 1
  }

  clear(index: number): void {
    if (!this.get(index)) return
    this.#words[index >>> 5]! &= ~(1 << (index & 31))
    this.#count -= 1
  }

  clone(): Bitmap {
    const copy = new Bitmap(this.size)
    copy.#words.set(this.#words)
    copy.#count = this.#count
    return copy
  }

  /** Sets every bit that is set in `other`, a bitmap of the same size. */
  or(other: Bitmap): void {
    this.#combine(other, (mine, theirs) => mine | theirs)
  }

  /** Clears every bit that is set in `other`, a bitmap of the same size. */
  andNot(other: Bitmap): void {
    this.#combine(other, (mine, theirs) => mine & ~theirs)
  }

  /** The set bits, ascending. Bits that change during the iteration count if they lie ahead of it. */
  *indices(): Generator<number, void> {
    for (let index = this.nextSet(0); index !== undefined; index = this.nextSet(index + 1)) yield index
  }

  /** The first set bit at `from` or after it. */
  nextSet(from: number): number | undefined {
    return this.#next(from, 0)
  }

  /** The first clear bit at `from` or after it. */
  nextClear(from: number): number | undefined {
    return this.#next(from, -1)
  }

  /** The canonical encoding: the run lengths if they are shorter than the raw bits, else the raw bits. */
  encode(): Uint8Array {
    return this.#encodeRuns() ?? this.#encodeRaw()
  }

  /**
   * A summary of at most `bitsMax` bits, whole bytes of it: bit k says that the whole k-th slice of the indices is held. With n bits
   * slice k is [⌊k·size/n⌋, ⌊(k+1)·size/n⌋), so where `size` fits the summary is exact. Read it with {@link coarseHas}.
   */
  coarse(bitsMax: number): Uint8Array {
    const bytes = new Uint8Array(Math.min(Math.ceil(this.size / 8), Math.floor(bitsMax / 8)))
    const bits = coarseBits(bytes, this.size)
    for (let slice = 0; slice < bits; slice++) {
      const start = Math.floor((slice * this.size) / bits)
      const end = Math.floor(((slice + 1) * this.size) / bits)
      if ((this.nextClear(start) ?? this.size) >= end) bytes[slice >>> 3]! |= 1 << (slice & 7)
    }
    return bytes
  }

  #check(index: number): void {
    if (index >>> 0 !== index || index >= this.size) throw new RangeError(`bit ${index} of a bitmap of ${this.size}`)
  }

  /** First bit at `from` or after it that differs from the bits of `skip`, a word of equal bits. */
  #next(from: number, skip: 0 | -1): number | undefined {
    if (from >= this.size) return undefined
    this.#check(from)
    const words = this.#words
    let at = from >>> 5
    let word = (words[at]! ^ skip) & (-1 << (from & 31))
    while (word === 0) {
      at += 1
      if (at === words.length) return undefined
      word = words[at]! ^ skip
    }
    const index = at * 32 + 31 - Math.clz32(word & -word)
    // The padding of the last word reads as clear bits that do not exist.
    return index < this.size ? index : undefined
  }

  /** Sets the bits [start, end) and leaves `count` to the caller. */
  #fill(start: number, end: number): void {
    let at = start
    while (at < end) {
      const stop = Math.min(end, (at | 31) + 1)
      const below = (at & 31) === 0 ? 0 : 0xffffffff >>> (32 - (at & 31))
      this.#words[at >>> 5]! |= (0xffffffff >>> (31 - ((stop - 1) & 31))) & ~below
      at = stop
    }
  }

  #combine(other: Bitmap, join: (mine: number, theirs: number) => number): void {
    if (other.size !== this.size) throw new RangeError(`bitmaps of ${this.size} and ${other.size} bits`)
    const theirs = other.#words
    for (let at = 0; at < theirs.length; at++) this.#words[at] = join(this.#words[at]!, theirs[at]!)
    this.#recount()
  }

  #recount(): void {
    let count = 0
    for (const word of this.#words) count += popcount(word)
    this.#count = count
  }

  #encodeRaw(): Uint8Array {
    const bytes = new Uint8Array(rawBytes(this.size))
    bytes[0] = KIND_RAW
    for (let at = 1; at < bytes.length; at++) bytes[at] = this.#words[(at - 1) >>> 2]! >>> (((at - 1) & 3) * 8)
    return bytes
  }

  /** The run lengths, clear and set by turns and clear first; undefined as soon as they are not shorter than the raw bits. */
  #encodeRuns(): Uint8Array | undefined {
    const bytes = new Uint8Array(rawBytes(this.size) - 1)
    if (bytes.length === 0) return undefined
    bytes[0] = KIND_RUNS
    let length = 1
    let start = 0
    for (let held = false; start < this.size; held = !held) {
      const end = (held ? this.nextClear(start) : this.nextSet(start)) ?? this.size
      let run = end - start
      for (; run > 0x7f; run >>>= 7) bytes[length++] = 0x80 | (run & 0x7f)
      bytes[length++] = run
      if (length > bytes.length) return undefined
      start = end
    }
    return bytes.slice(0, length)
  }

  #readRaw(bytes: Uint8Array): void {
    if (bytes.byteLength !== rawBytes(this.size)) throw malformed(`${bytes.byteLength} bytes for ${this.size} raw bits`)
    for (let at = 1; at < bytes.length; at++) this.#words[(at - 1) >>> 2]! |= bytes[at]! << (((at - 1) & 3) * 8)
    // Padding bits are dropped here, and so refused by the comparison with the canonical encoding.
    const used = this.size & 31
    if (used !== 0) this.#words[this.#words.length - 1]! &= (1 << used) - 1
    this.#recount()
  }

  #readRuns(bytes: Uint8Array): void {
    let start = 0
    let at = 1
    for (let held = false; at < bytes.length; held = !held) {
      let run = 0
      let scale = 1
      let byte: number | undefined
      do {
        byte = bytes[at++]
        if (byte === undefined) throw malformed('cut off within a run')
        if (scale > this.size) throw malformed('a run of too many bytes')
        run += (byte & 0x7f) * scale
        scale *= 0x80
        if (run > this.size - start) throw malformed('runs past its end')
      } while (byte >= 0x80)
      if (held) this.#fill(start, start + run)
      start += run
    }
    if (start !== this.size) throw malformed('runs stop short of its end')
    this.#recount()
  }
}

/** Whether `coarse`, which {@link Bitmap.coarse} or a peer made of a bitmap of `size` bits, says that `index` is held. */
export function coarseHas(coarse: Uint8Array, size: number, index: number): boolean {
  const bits = coarseBits(coarse, size)
  const slice = Math.ceil(((index + 1) * bits) / size) - 1
  return (((coarse[slice >>> 3] ?? 0) >>> (slice & 7)) & 1) === 1
}

/** Its length tells how many slices a summary has: as many as its bytes hold, but never more than there are indices. */
function coarseBits(coarse: Uint8Array, size: number): number {
  return Math.min(size, coarse.byteLength * 8)
}

function rawBytes(size: number): number {
  return 1 + Math.ceil(size / 8)
}

function popcount(word: number): number {
  const pairs = word - ((word >>> 1) & 0x55555555)
  const nibbles = (pairs & 0x33333333) + ((pairs >>> 2) & 0x33333333)
  return Math.imul((nibbles + (nibbles >>> 4)) & 0x0f0f0f0f, 0x01010101) >>> 24
}

function malformed(reason: string): ProtocolError {
  return new ProtocolError({ code: 'MALFORMED', what: 'bitmap', reason })
}
