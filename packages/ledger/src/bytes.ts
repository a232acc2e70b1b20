import { type Digest, DIGEST_BYTES, digestBytes } from './digest.ts'
import { LedgerError } from './errors.ts'

/** Writes fields in order, big-endian. */
export class ByteWriter {
  #bytes: Buffer
  #end = 0

  constructor(bytesExpected: number) {
    this.#bytes = Buffer.alloc(bytesExpected)
  }

  u8(value: number): this {
    const at = this.#take(1)
    this.#bytes.writeUInt8(value, at)
    return this
  }

  u16(value: number): this {
    const at = this.#take(2)
    this.#bytes.writeUInt16BE(value, at)
    return this
  }

  u32(value: number): this {
    const at = this.#take(4)
    this.#bytes.writeUInt32BE(value, at)
    return this
  }

  /** A safe integer in eight bytes. */
  u64(value: number): this {
    const at = this.#take(8)
    this.#bytes.writeUInt32BE(Math.floor(value / 2 ** 32), at)
    this.#bytes.writeUInt32BE(value % 2 ** 32, at + 4)
    return this
  }

  bytes(value: Uint8Array): this {
    const at = this.#take(value.byteLength)
    this.#bytes.set(value, at)
    return this
  }

  digest(value: Digest): this {
    return this.bytes(digestBytes(value))
  }

  finish(): Uint8Array {
    return this.#bytes.subarray(0, this.#end)
  }

  #take(bytesCount: number): number {
    const at = this.#end
    this.#end += bytesCount
    if (this.#end > this.#bytes.byteLength) this.#bytes = Buffer.concat([this.#bytes, Buffer.alloc(Math.max(this.#end, 64))])
    return at
  }
}

/** Reads what {@link ByteWriter} wrote, refusing anything that ends early or late. */
export class ByteReader {
  readonly #bytes: Buffer
  readonly #what: string
  #at = 0

  /** `what` names the format in errors. */
  constructor(bytes: Uint8Array, what: string) {
    this.#bytes = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    this.#what = what
  }

  u8(): number {
    return this.#bytes.readUInt8(this.#take(1))
  }

  u16(): number {
    return this.#bytes.readUInt16BE(this.#take(2))
  }

  u32(): number {
    return this.#bytes.readUInt32BE(this.#take(4))
  }

  u64(): number {
    const at = this.#take(8)
    const value = this.#bytes.readUInt32BE(at) * 2 ** 32 + this.#bytes.readUInt32BE(at + 4)
    if (!Number.isSafeInteger(value)) throw this.fault('a number beyond 2^53')
    return value
  }

  /** A copy, so that what was read does not keep the whole message alive. */
  bytes(bytesCount: number): Uint8Array {
    const at = this.#take(bytesCount)
    return new Uint8Array(this.#bytes.subarray(at, at + bytesCount))
  }

  digest(): Digest {
    const at = this.#take(DIGEST_BYTES)
    return this.#bytes.toString('hex', at, at + DIGEST_BYTES)
  }

  /** @throws {LedgerError} `MALFORMED` if bytes are left */
  end(): void {
    if (this.#at !== this.#bytes.byteLength) throw this.fault(`${this.#bytes.byteLength - this.#at} bytes too many`)
  }

  fault(reason: string): LedgerError {
    return new LedgerError({ code: 'MALFORMED', what: this.#what, reason })
  }

  #take(bytesCount: number): number {
    const at = this.#at
    this.#at += bytesCount
    if (this.#at > this.#bytes.byteLength) throw this.fault(`ends after ${this.#bytes.byteLength} bytes`)
    return at
  }
}
