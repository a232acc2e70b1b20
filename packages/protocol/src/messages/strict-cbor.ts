import * as dagCbor from '@ipld/dag-cbor'
import { ProtocolError } from '../errors.ts'
import { malformed } from '../manifest/fields.ts'

/** One message format on DAG-CBOR. The wire map and the message in memory have the same keys and values. */
export interface CborFormat<Message> {
  /** How errors call it. */
  readonly what: string
  readonly bytesMax: number
  /** Keys, values, containers and tags together; see {@link boundItems}. */
  readonly itemsMax: number
  /** Checks every field, both before sending and after receiving; throws {@link ProtocolError}. */
  readonly read: (value: unknown) => Message
}

/** @throws {ProtocolError} for a message that {@link decodeStrict} would refuse */
export function encodeStrict<Message>(format: CborFormat<Message>, message: Message): Uint8Array {
  const bytes = dagCbor.encode(format.read(message))
  if (bytes.byteLength > format.bytesMax) throw tooLarge(format.what, bytes.byteLength, format.bytesMax)
  return bytes
}

/**
 * Reads the bytes of a peer, accepting only the one canonical encoding of a message.
 *
 * @throws {ProtocolError} `TOO_LARGE`, `MALFORMED`, `BAD_CID`, and what `format.read` throws
 */
export function decodeStrict<Message>(format: CborFormat<Message>, bytes: Uint8Array): Message {
  const { what, bytesMax, itemsMax } = format
  if (bytes.byteLength > bytesMax) throw tooLarge(what, bytes.byteLength, bytesMax)
  boundItems(what, bytes, itemsMax)
  let value: unknown
  try {
    value = dagCbor.decode(bytes)
  } catch (cause) {
    throw new ProtocolError({ code: 'MALFORMED', what, reason: 'not DAG-CBOR' }, { cause })
  }
  const message = format.read(value)
  // The decoder tolerates unsorted keys, integers written as floats and the like. Equal messages must be equal bytes.
  if (Buffer.compare(dagCbor.encode(message), bytes) !== 0) throw malformed(what, 'not in canonical form')
  return message
}

/**
 * Walks the heads of all CBOR items without building any of them, and refuses more than `itemsMax`.
 * A mebibyte of empty maps would otherwise become a hundred mebibytes of objects, and of nested arrays a stack overflow.
 */
function boundItems(what: string, bytes: Uint8Array, itemsMax: number): void {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  let at = 0
  let itemsLeft = 1
  for (let items = 1; itemsLeft > 0; items++) {
    const { major, argument, end } = readHead(what, view, at)
    itemsLeft += contained(major, argument) - 1
    at = end + (major === BYTES || major === TEXT ? argument : 0)
    if (items + itemsLeft > itemsMax) throw tooLarge(`items in ${what}`, items + itemsLeft, itemsMax)
  }
  if (at !== bytes.byteLength) throw malformed(what, `${bytes.byteLength} bytes, its items end at ${at}`)
}

// RFC 8949 §3.1: the major types that say how much follows.
const BYTES = 2
const TEXT = 3
const ARRAY = 4
const MAP = 5
const TAG = 6

function contained(major: number, argument: number): number {
  if (major === ARRAY) return argument
  if (major === MAP) return 2 * argument
  return major === TAG ? 1 : 0
}

function readHead(what: string, view: DataView, at: number): { major: number; argument: number; end: number } {
  if (at >= view.byteLength) throw malformed(what, 'truncated')
  const head = view.getUint8(at)
  const major = head >> 5
  const minor = head & 31
  if (minor < 24) return { major, argument: minor, end: at + 1 }
  const argumentBytes = 2 ** (minor - 24)
  if (argumentBytes > 8) throw malformed(what, 'indefinite length')
  const end = at + 1 + argumentBytes
  if (end > view.byteLength) throw malformed(what, 'truncated')
  let argument = 0
  for (let i = at + 1; i < end; i++) argument = argument * 256 + view.getUint8(i)
  return { major, argument, end }
}

function tooLarge(what: string, value: number, max: number): ProtocolError {
  return new ProtocolError({ code: 'TOO_LARGE', what, value, max })
}
