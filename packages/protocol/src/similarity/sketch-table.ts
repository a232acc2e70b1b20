import { type CID, cidDigest } from '../cid.ts'
import { ProtocolError } from '../errors.ts'
import { CHUNKS_MAX, SKETCH_VALUES } from '../limits.ts'
import { SHA256_BYTES, sha256 } from '../digest.ts'
import type { SnapshotIndex } from '../manifest/index.ts'

const WHAT = 'sketch table'
const VERSION = 1
const MAGIC = Buffer.from('CAIRNSKT')
const HEADER_BYTES = MAGIC.byteLength + 1 + 1 + SHA256_BYTES + 4
const SKETCH_BYTES = 4 * SKETCH_VALUES

/** The sketches of a snapshot's chunks, one after the other in the order of their indexes: {@link SKETCH_VALUES} values each. */
export type SketchTable = Uint32Array

/** A snapshot and the sketches of its chunks. */
export interface SketchedSnapshot {
  readonly index: SnapshotIndex
  readonly sketches: SketchTable
}

/** Takes sketches as chunks turn up. */
export class SketchTableBuilder {
  #values = new Uint32Array(1024 * SKETCH_VALUES)
  #count = 0

  /** Chunk `index`, if it is the next one: a chunk that was there before has its sketch. */
  add(index: number, sketch: Uint32Array): void {
    if (index !== this.#count) return
    const at = index * SKETCH_VALUES
    if (at === this.#values.length) {
      const larger = new Uint32Array(2 * at)
      larger.set(this.#values)
      this.#values = larger
    }
    this.#values.set(sketch, at)
    this.#count += 1
  }

  finish(): SketchTable {
    return this.#values.subarray(0, this.#count * SKETCH_VALUES)
  }
}

/**
 * The table of `snapshot` as it is stored: `CAIRNSKT`, version, values a sketch, digest of the snapshot, count of chunks, the values, and the
 * SHA-256 of all that. Integers are big-endian.
 *
 * @see ../../spec/sketch.md
 */
export function encodeSketchTable(snapshot: CID, table: SketchTable): Uint8Array {
  const count = table.length / SKETCH_VALUES
  const bytes = Buffer.alloc(HEADER_BYTES + 4 * table.length + SHA256_BYTES)
  let at = MAGIC.copy(bytes)
  bytes[at++] = VERSION
  bytes[at++] = SKETCH_VALUES
  bytes.set(cidDigest(snapshot), at)
  bytes.writeUInt32BE(count, at + SHA256_BYTES)
  const view = new DataView(bytes.buffer, bytes.byteOffset + HEADER_BYTES)
  for (let i = 0; i < table.length; i++) view.setUint32(4 * i, table[i]!)
  const end = HEADER_BYTES + 4 * table.length
  bytes.set(sha256(bytes.subarray(0, end)), end)
  return bytes
}

/**
 * Reads the table of `snapshot`, which has `chunksCount` chunks.
 *
 * @throws {ProtocolError} `MALFORMED`, `TOO_LARGE`, `UNSUPPORTED_VERSION`, `MISMATCH` if it is that of another snapshot
 */
export function decodeSketchTable(snapshot: CID, chunksCount: number, bytes: Uint8Array): SketchTable {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const { byteLength: magicBytes } = MAGIC
  if (buffer.byteLength < HEADER_BYTES + SHA256_BYTES) throw malformed('too short')
  if (!buffer.subarray(0, magicBytes).equals(MAGIC)) throw malformed('another kind of file')
  const version = buffer[magicBytes]!
  if (version !== VERSION) throw new ProtocolError({ code: 'UNSUPPORTED_VERSION', what: WHAT, found: version, supported: VERSION })
  if (buffer[magicBytes + 1] !== SKETCH_VALUES) throw malformed(`${buffer[magicBytes + 1]} values a sketch`)
  const count = buffer.readUInt32BE(HEADER_BYTES - 4)
  if (count > CHUNKS_MAX) throw new ProtocolError({ code: 'TOO_LARGE', what: `chunks of ${WHAT}`, value: count, max: CHUNKS_MAX })
  const end = HEADER_BYTES + count * SKETCH_BYTES
  if (buffer.byteLength !== end + SHA256_BYTES) throw malformed(`${buffer.byteLength} bytes for ${count} chunks`)
  if (Buffer.compare(sha256(buffer.subarray(0, end)), buffer.subarray(end)) !== 0) throw malformed('its checksum differs')
  const digest = buffer.subarray(magicBytes + 2, magicBytes + 2 + SHA256_BYTES)
  if (Buffer.compare(digest, cidDigest(snapshot)) !== 0) throw mismatch('snapshot', digest.toString('hex'), toHex(cidDigest(snapshot)))
  if (count !== chunksCount) throw mismatch('number of chunks', String(count), String(chunksCount))
  const table = new Uint32Array(count * SKETCH_VALUES)
  for (let i = 0; i < table.length; i++) table[i] = buffer.readUInt32BE(HEADER_BYTES + 4 * i)
  return table
}

function malformed(reason: string): ProtocolError {
  return new ProtocolError({ code: 'MALFORMED', what: WHAT, reason })
}

function mismatch(what: string, found: string, wanted: string): ProtocolError {
  return new ProtocolError({ code: 'MISMATCH', what: `${what} of ${WHAT}`, found, wanted })
}

function toHex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex')
}
