import { freeMemory } from '@cairn/runtime'
import { decodeDelta, ProtocolError, sha256 } from '@cairn/protocol/chunk'
import { StorageError } from '../errors.ts'
import { readFully } from './open-source.ts'
import type { BaseChunk, DeltaBases } from './placer.ts'

/** Neighbouring chunks are often made from the same ones: some sixty of the usual size, or four of the largest. */
const KEPT_BYTES_MAX = 16 * 1024 * 1024

interface KeptChunk {
  readonly plain: Uint8Array
  readonly isVerified: boolean
}

/** Reads the chunks that deltas are made from, and keeps the last few. */
export class BaseReader {
  /** By digest, in order of last use. */
  readonly #kept = new Map<string, KeptChunk>()
  #keptBytes = 0

  /**
   * The chunk in the delta `frame` that has this digest.
   *
   * Bases are a multiple of what they make, so they are not hashed: what comes out of wrong ones is not the chunk. Only then they are, to
   * know whether the frame is to blame.
   *
   * @throws {StorageError} `BASE_MISSING` if a base is nowhere as it was
   * @throws {ProtocolError} `MALFORMED`, `TOO_LARGE`; `MISMATCH` if it holds another chunk
   */
  decode(frame: Uint8Array, { chunk, path, bases }: DeltaBases, plainBytesMax: number, digest: Uint8Array): Uint8Array {
    const decodeWith = (isVerified: boolean): Uint8Array => {
      const plains = bases.map((base) => {
        const plain = this.#read(base, isVerified)
        if (plain === undefined) throw new StorageError({ code: 'BASE_MISSING', path, chunk, base: toHex(base.digest) })
        return plain
      })
      return assertIsChunk(decodeDelta(frame, plains, plainBytesMax), digest)
    }
    try {
      return decodeWith(false)
    } catch (error) {
      if (error instanceof ProtocolError) return decodeWith(true)
      throw error
    } finally {
      this.#makeRoom()
    }
  }

  clear(): void {
    for (const { plain } of this.#kept.values()) freeMemory(plain)
    this.#kept.clear()
    this.#keptBytes = 0
  }

  #read({ digest, plainBytes, from }: BaseChunk, isVerified: boolean): Uint8Array | undefined {
    const key = Buffer.from(digest).toString('latin1')
    const known = this.#kept.get(key)
    if (known !== undefined) this.#forget(key, known)
    const isUsable = known !== undefined && (!isVerified || known.isVerified || hasDigest(known.plain, digest))
    if (known !== undefined && !isUsable) freeMemory(known.plain)
    const plain = isUsable ? known.plain : readBase(from, plainBytes, isVerified ? digest : undefined)
    if (plain === undefined) return undefined
    this.#kept.set(key, { plain, isVerified: isVerified || known?.isVerified === true })
    this.#keptBytes += plain.byteLength
    return plain
  }

  #forget(key: string, { plain }: KeptChunk): void {
    this.#kept.delete(key)
    this.#keptBytes -= plain.byteLength
  }

  /** Gives memory back at once: it lies outside of the heap, and a collection may be far. */
  #makeRoom(): void {
    for (const [oldest, chunk] of this.#kept) {
      if (this.#keptBytes <= KEPT_BYTES_MAX) return
      this.#forget(oldest, chunk)
      freeMemory(chunk.plain)
    }
  }
}

/** @throws {ProtocolError} `MISMATCH` */
export function assertIsChunk(plain: Uint8Array, digest: Uint8Array): Uint8Array {
  const found = sha256(plain)
  if (Buffer.compare(found, digest) === 0) return plain
  throw new ProtocolError({ code: 'MISMATCH', what: 'chunk', found: toHex(found), wanted: toHex(digest) })
}

/** From the first place that has it; that has as many bytes, if it is not to have a `digest`. */
function readBase(from: BaseChunk['from'], plainBytes: number, digest: Uint8Array | undefined): Uint8Array | undefined {
  const plain = Buffer.allocUnsafeSlow(plainBytes)
  return from.some(({ path, offset }) => holds(path, offset, plain, digest)) ? plain : undefined
}

/** Fills `plain`; whether it is the chunk with this digest, if there is one. What cannot be read is not. */
export function holds(path: string, offset: number, plain: Uint8Array, digest: Uint8Array | undefined): boolean {
  try {
    return readFully(path, offset, plain) && (digest === undefined || hasDigest(plain, digest))
  } catch (error) {
    if (error instanceof StorageError) return false
    throw error
  }
}

function hasDigest(plain: Uint8Array, digest: Uint8Array): boolean {
  return Buffer.compare(sha256(plain), digest) === 0
}

function toHex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex')
}
