import { freeMemory } from '@cairn/runtime'
import { decodeDelta, sha256 } from '@cairn/protocol/chunk'
import { StorageError } from '../errors.ts'
import { readFully } from './open-source.ts'
import type { BaseChunk, DeltaBases } from './placer.ts'

/** Neighbouring chunks are often made from the same ones: some sixty of the usual size, or four of the largest. */
const KEPT_BYTES_MAX = 16 * 1024 * 1024

/** Reads the chunks that deltas are made from, each verified, and keeps the last few. */
export class BaseReader {
  /** By digest, in order of last use. */
  readonly #kept = new Map<string, Uint8Array>()
  #keptBytes = 0

  /**
   * The chunk in the delta `frame`, not verified yet.
   *
   * @throws {StorageError} `BASE_MISSING` if a base is nowhere as it was
   * @throws {ProtocolError} `MALFORMED`, `TOO_LARGE`
   */
  decode(frame: Uint8Array, { chunk, path, bases }: DeltaBases, plainBytesMax: number): Uint8Array {
    const plains = bases.map((base) => {
      const plain = this.#read(base)
      if (plain === undefined) throw new StorageError({ code: 'BASE_MISSING', path, chunk, base: Buffer.from(base.digest).toString('hex') })
      return plain
    })
    try {
      return decodeDelta(frame, plains, plainBytesMax)
    } finally {
      this.#makeRoom()
    }
  }

  clear(): void {
    for (const plain of this.#kept.values()) freeMemory(plain)
    this.#kept.clear()
    this.#keptBytes = 0
  }

  #read({ digest, plainBytes, from }: BaseChunk): Uint8Array | undefined {
    const key = Buffer.from(digest).toString('latin1')
    const known = this.#kept.get(key)
    this.#kept.delete(key)
    const plain = known ?? readVerified(from, plainBytes, digest)
    if (plain === undefined) return undefined
    this.#kept.set(key, plain)
    if (known === undefined) this.#keptBytes += plainBytes
    return plain
  }

  /** Gives memory back at once: it lies outside of the heap, and a collection may be far. */
  #makeRoom(): void {
    for (const [oldest, plain] of this.#kept) {
      if (this.#keptBytes <= KEPT_BYTES_MAX) return
      this.#kept.delete(oldest)
      this.#keptBytes -= plain.byteLength
      freeMemory(plain)
    }
  }
}

function readVerified(from: BaseChunk['from'], plainBytes: number, digest: Uint8Array): Uint8Array | undefined {
  const plain = Buffer.allocUnsafeSlow(plainBytes)
  return from.some(({ path, offset }) => holds(path, offset, plain, digest)) ? plain : undefined
}

/** Fills `plain`; whether it is the chunk. What cannot be read is not. */
export function holds(path: string, offset: number, plain: Uint8Array, digest: Uint8Array): boolean {
  try {
    return readFully(path, offset, plain) && Buffer.compare(sha256(plain), digest) === 0
  } catch (error) {
    if (error instanceof StorageError) return false
    throw error
  }
}
