import { ByteReader, ByteWriter } from './bytes.ts'
import { type Digest, taggedDigest } from './digest.ts'
import { LedgerError } from './errors.ts'

/** One thing that a client wants done, opaque to agreement. */
export interface Operation {
  /** Chosen by the client; however often the operation is handed in, it has one effect. At most {@link OPERATION_ID_BYTES_MAX}. */
  readonly id: string
  readonly body: Uint8Array
}

export const OPERATION_ID_BYTES_MAX = 64
/** What one operation may hold; larger things are cut up by their clients. */
export const OPERATION_BYTES_MAX = 256 * 1024
/** What one block may hold: at 1 Gbit/s a leader sends it to nine others in some 75 ms. */
export const PAYLOAD_BYTES_MAX = 1024 * 1024
export const PAYLOAD_OPERATIONS_MAX = 4096

/** The operations of a block, in order. */
export type Payload = readonly Operation[]

/** Payload of a block without operations: every seat holds it. */
export const EMPTY_PAYLOAD: Payload = []

interface PayloadFacts {
  readonly root: Digest
  readonly bytesCount: number
}

// The log, the state's file and each peer get the same bytes.
const encodings = new WeakMap<Payload, Uint8Array>()

// Payloads are immutable, and are asked for their root by everyone who handles them.
const facts = new WeakMap<Payload, PayloadFacts>()

/** What a payload is known by, and its encoded size. */
export function payloadFacts(payload: Payload): PayloadFacts {
  const known = facts.get(payload)
  if (known !== undefined) return known
  const bytes = encodePayload(payload)
  const found = { root: taggedDigest('cairn-ledger-payload-v1', bytes), bytesCount: bytes.byteLength }
  facts.set(payload, found)
  return found
}

export const EMPTY_PAYLOAD_ROOT: Digest = payloadFacts(EMPTY_PAYLOAD).root

/** Bytes that `operation` takes in a payload. */
export function operationBytes({ id, body }: Operation): number {
  return 5 + Buffer.byteLength(id) + body.byteLength
}

/** count u32, then for each operation: id length u8 | id | body length u32 | body. */
export function encodePayload(payload: Payload): Uint8Array {
  const known = encodings.get(payload)
  if (known !== undefined) return known
  const writer = new ByteWriter(4 + payload.reduce((sum, operation) => sum + operationBytes(operation), 0)).u32(payload.length)
  for (const { id, body } of payload) {
    const name = Buffer.from(id)
    writer.u8(name.byteLength).bytes(name).u32(body.byteLength).bytes(body)
  }
  const bytes = writer.finish()
  encodings.set(payload, bytes)
  return bytes
}

/** @throws {LedgerError} `MALFORMED`, `TOO_LARGE` for bytes that {@link encodePayload} would not write or that are beyond the limits */
export function decodePayload(bytes: Uint8Array): Payload {
  const reader = new ByteReader(bytes, 'payload')
  bound('payload', bytes.byteLength, PAYLOAD_BYTES_MAX)
  const count = reader.u32()
  bound('operations of a payload', count, PAYLOAD_OPERATIONS_MAX)
  const operations: Operation[] = []
  for (let index = 0; index < count; index++) {
    const idBytes = reader.u8()
    bound('operation id', idBytes, OPERATION_ID_BYTES_MAX)
    const raw = reader.bytes(idBytes)
    const id = Buffer.from(raw).toString('utf8')
    if (!Buffer.from(id).equals(raw)) throw reader.fault('an id that is not UTF-8')
    const bodyBytes = reader.u32()
    bound('operation', bodyBytes, OPERATION_BYTES_MAX)
    operations.push({ id, body: reader.bytes(bodyBytes) })
  }
  reader.end()
  encodings.set(operations, bytes)
  return operations
}

function bound(what: string, value: number, max: number): void {
  if (value > max) throw new LedgerError({ code: 'TOO_LARGE', what, value, max })
}
