import { SHA256_BYTES } from '../cid.ts'
import { ProtocolError } from '../errors.ts'
import { malformed } from './fields.ts'
import { readUint32 } from './uint32.ts'

/**
 * Slots looked at for one digest. At most half the slots are taken, so for SHA-256 digests a probe of k slots has a chance of
 * about 0.83^k: 512 never happens. Digests made to collide would turn the table quadratic; they are refused instead.
 */
const PROBES_MAX = 512

/**
 * Distinct chunks by digest, numbered in order of first appearance: 44 to 88 bytes a chunk, nothing on the heap per chunk.
 */
export class ChunkTable {
  readonly #chunksMax: number
  #size = 0
  #digests = new Uint8Array(1024 * SHA256_BYTES)
  #bytes = new Uint32Array(1024)
  /** Open addressing with linear probing: chunk index + 1, 0 for a free slot. A power of two, at least twice the chunks. */
  #slots = new Uint32Array(2048)

  constructor(chunksMax: number) {
    this.#chunksMax = chunksMax
  }

  get size(): number {
    return this.#size
  }

  /** A view; callers do not write to it. */
  digest(index: number): Uint8Array {
    return this.#digests.subarray(index * SHA256_BYTES, (index + 1) * SHA256_BYTES)
  }

  /** Length of the plain chunk. */
  bytes(index: number): number {
    return this.#bytes[index]!
  }

  find(digest: Uint8Array): number | undefined {
    const found = this.#slots[this.#probe(digest)]!
    return found === 0 ? undefined : found - 1
  }

  /**
   * The index of the chunk, added if it is new.
   *
   * @throws {ProtocolError} `MISMATCH` if the digest is known with another length, `TOO_LARGE` beyond `chunksMax`
   */
  add(digest: Uint8Array, bytes: number): number {
    const slot = this.#probe(digest)
    const found = this.#slots[slot]!
    if (found !== 0) {
      const known = this.#bytes[found - 1]!
      if (known !== bytes) throw new ProtocolError({ code: 'MISMATCH', what: 'length of a chunk', found: `${bytes}`, wanted: `${known}` })
      return found - 1
    }
    if (this.#size === this.#chunksMax) {
      throw new ProtocolError({ code: 'TOO_LARGE', what: 'number of chunks', value: this.#size + 1, max: this.#chunksMax })
    }
    const index = this.#size++
    if (index === this.#bytes.length) this.#growList()
    this.#digests.set(digest, index * SHA256_BYTES)
    this.#bytes[index] = bytes
    this.#slots[slot] = index + 1
    if (this.#size * 2 > this.#slots.length) this.#growSlots()
    return index
  }

  /** The slot that holds `digest`, or the free one where it belongs. */
  #probe(digest: Uint8Array): number {
    const mask = this.#slots.length - 1
    let slot = readUint32(digest, 0) & mask
    for (let probes = 0; probes < PROBES_MAX; probes++) {
      const found = this.#slots[slot]!
      if (found === 0 || this.#equals(found - 1, digest)) return slot
      slot = (slot + 1) & mask
    }
    throw malformed('chunk digests', 'too many alike to be SHA-256')
  }

  #equals(index: number, digest: Uint8Array): boolean {
    const start = index * SHA256_BYTES
    for (let i = 0; i < SHA256_BYTES; i++) if (this.#digests[start + i] !== digest[i]) return false
    return true
  }

  #growList(): void {
    const digests = new Uint8Array(this.#digests.length * 2)
    digests.set(this.#digests)
    this.#digests = digests
    const bytes = new Uint32Array(this.#bytes.length * 2)
    bytes.set(this.#bytes)
    this.#bytes = bytes
  }

  #growSlots(): void {
    this.#slots = new Uint32Array(this.#slots.length * 2)
    for (let index = 0; index < this.#size; index++) this.#slots[this.#probe(this.digest(index))] = index + 1
  }
}
