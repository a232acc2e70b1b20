import { CID_BYTES, type CID, decodeCid, isPageCid } from '../cid.ts'
import { ProtocolError } from '../errors.ts'
import { malformed } from '../manifest/fields.ts'
import { FRAME_BYTES_MAX, SLICE_BYTES_MAX, WANT_CHUNKS_MAX } from '../limits.ts'
import { U32_MAX } from './fields.ts'
import { BASIS_SNAPSHOTS_MAX, DATA_HEADER_BYTES, DEADLINE_MS_MAX, EXCHANGE_FRAME_BYTES_MAX } from './limits.ts'

/** What travels on `/cairn/exchange/3`: blocks are asked for by CID and come back as slices of their frames. */
export type ExchangeMessage = WantMessage | CancelMessage | DataMessage | RefuseMessage | BasisMessage

/** Asks for 1 to {@link WANT_CHUNKS_MAX} different blocks. `id` is the requester's, in use once at a time on a channel. */
export interface WantMessage {
  readonly type: 'want'
  readonly id: number
  /** Milliseconds from its arrival after which the answer is of no use: 1 to {@link DEADLINE_MS_MAX}. Peers share no clock. */
  readonly deadlineMs: number
  readonly cids: readonly CID[]
}

/** Takes back one block of request `id`, or what is left of it. Slices already on their way still arrive. */
export interface CancelMessage {
  readonly type: 'cancel'
  readonly id: number
  readonly position: Position
}

/** Bytes `offset` and on of a block's frame. The slices of one block come in order; blocks come in any order. */
export interface DataMessage {
  readonly type: 'data'
  readonly id: number
  /** Index of the block in the request's `cids`. */
  readonly position: number
  readonly offset: number
  /** Bytes of the whole frame, the same in each of its slices. */
  readonly total: number
  /** 1 to {@link SLICE_BYTES_MAX} bytes. */
  readonly slice: Uint8Array
}

/** Says that a block of request `id`, or the rest of it, will not come. */
export interface RefuseMessage {
  readonly type: 'refuse'
  readonly id: number
  readonly position: Position
  readonly code: RefuseCode
}

/**
 * Says that the sender holds every chunk of `snapshots`, 0 to {@link BASIS_SNAPSHOTS_MAX} different ones: wants that follow on this channel
 * may be answered with deltas whose bases all are chunks of one of them. Takes the place of the basis before it; at first there is none.
 */
export interface BasisMessage {
  readonly type: 'basis'
  readonly snapshots: readonly CID[]
}

/** Index of a block in its request, or the whole request. */
export type Position = number | 'all'

/**
 * `NOT_FOUND` the block is not here · `BUSY` ask again later · `TOO_MANY` more is open than one peer may have ·
 * `INTERNAL` reading it failed · `CANCELLED` confirms a cancel.
 */
export type RefuseCode = (typeof REFUSE_CODES)[number]
export const REFUSE_CODES = ['NOT_FOUND', 'BUSY', 'TOO_MANY', 'INTERNAL', 'CANCELLED'] as const

const WANT = 1
const CANCEL = 2
const DATA = 3
const REFUSE = 4
const BASIS = 5

const ID_BYTES_END = 5
const WANT_HEADER_BYTES = 10
const CANCEL_BYTES = 6
const REFUSE_BYTES = 7
const BASIS_HEADER_BYTES = 2
const WHOLE_REQUEST = 0xff

/**
 * One message as one frame. For a `data` message that copies the slice: {@link encodeData} does not.
 *
 * @throws {ProtocolError} `TOO_LARGE`, `MALFORMED`, `BAD_CID` for a message that {@link decodeExchange} would refuse
 */
export function encodeExchange(message: ExchangeMessage): Uint8Array {
  switch (message.type) {
    case 'want':
      return encodeWant(message)
    case 'cancel':
      return header(CANCEL, CANCEL_BYTES, message.id, message.position)
    case 'data':
      return Buffer.concat(encodeData(message))
    case 'refuse': {
      const frame = header(REFUSE, REFUSE_BYTES, message.id, message.position)
      frame[6] = REFUSE_CODES.indexOf(message.code) + 1
      return frame
    }
    case 'basis':
      return encodeBasis(message)
    default:
      return message satisfies never
  }
}

/**
 * A `data` message as two parts of one frame, the second being the slice itself: `channel.send(...encodeData(message))`.
 *
 * @throws {ProtocolError} `TOO_LARGE`, `MALFORMED` for a message that {@link decodeExchange} would refuse
 */
export function encodeData(message: DataMessage): readonly [header: Uint8Array, slice: Uint8Array] {
  checkData(message)
  const frame = header(DATA, DATA_HEADER_BYTES, message.id, message.position)
  const view = viewOf(frame)
  view.setUint32(6, message.offset)
  view.setUint32(10, message.total)
  return [frame, message.slice]
}

/**
 * Reads a frame of a peer. A `data` message's slice is a view of `bytes`.
 *
 * @throws {ProtocolError} `TOO_LARGE`, `MALFORMED`, `BAD_CID`
 */
export function decodeExchange(bytes: Uint8Array): ExchangeMessage {
  bound('exchange message', bytes.byteLength, EXCHANGE_FRAME_BYTES_MAX)
  if (bytes[0] === BASIS) return decodeBasis(bytes)
  if (bytes.byteLength <= ID_BYTES_END) throw malformed('exchange message', `${bytes.byteLength} bytes`)
  const view = viewOf(bytes)
  const id = view.getUint32(1)
  switch (bytes[0]) {
    case WANT:
      return decodeWant(id, view, bytes)
    case CANCEL:
      exactly('cancel', bytes, CANCEL_BYTES)
      return { type: 'cancel', id, position: decodePosition('cancel', bytes) }
    case DATA:
      return decodeData(id, view, bytes)
    case REFUSE: {
      exactly('refuse', bytes, REFUSE_BYTES)
      const code = REFUSE_CODES[bytes[6]! - 1]
      if (code === undefined) throw malformed('refuse', `code ${bytes[6]}`)
      return { type: 'refuse', id, position: decodePosition('refuse', bytes), code }
    }
    default:
      throw malformed('exchange message', `type ${bytes[0]}`)
  }
}

function encodeWant(message: WantMessage): Uint8Array {
  checkWant(message)
  const frame = new Uint8Array(WANT_HEADER_BYTES + message.cids.length * CID_BYTES)
  const view = viewOf(frame)
  frame[0] = WANT
  view.setUint32(1, message.id)
  view.setUint32(5, message.deadlineMs)
  frame[9] = message.cids.length
  for (const [position, cid] of message.cids.entries()) {
    // Read back, because a CID of another length would shift those behind it.
    frame.set(decodeCid(cid.bytes).bytes, WANT_HEADER_BYTES + position * CID_BYTES)
  }
  return frame
}

function decodeWant(id: number, view: DataView, bytes: Uint8Array): WantMessage {
  if (bytes.byteLength < WANT_HEADER_BYTES) throw malformed('want', `${bytes.byteLength} bytes`)
  const count = view.getUint8(9)
  bound('chunks in want', count, WANT_CHUNKS_MAX)
  exactly('want', bytes, WANT_HEADER_BYTES + count * CID_BYTES)
  const cids = Array.from({ length: count }, (_, position) => {
    const start = WANT_HEADER_BYTES + position * CID_BYTES
    return decodeCid(bytes.subarray(start, start + CID_BYTES))
  })
  const message: WantMessage = { type: 'want', id, deadlineMs: view.getUint32(5), cids }
  checkWant(message)
  return message
}

function encodeBasis(message: BasisMessage): Uint8Array {
  checkBasis(message)
  return new Uint8Array(Buffer.concat([Uint8Array.of(BASIS, message.snapshots.length), ...message.snapshots.map(({ bytes }) => bytes)]))
}

function decodeBasis(bytes: Uint8Array): BasisMessage {
  const count = bytes[1] ?? 0
  bound('snapshots in basis', count, BASIS_SNAPSHOTS_MAX)
  exactly('basis', bytes, BASIS_HEADER_BYTES + count * CID_BYTES)
  const message: BasisMessage = {
    type: 'basis',
    snapshots: Array.from({ length: count }, (_, at) => {
      const start = BASIS_HEADER_BYTES + at * CID_BYTES
      return decodeCid(bytes.subarray(start, start + CID_BYTES))
    }),
  }
  checkBasis(message)
  return message
}

function decodeData(id: number, view: DataView, bytes: Uint8Array): DataMessage {
  if (bytes.byteLength <= DATA_HEADER_BYTES) throw malformed('data', `${bytes.byteLength} bytes`)
  const position = decodePosition('data', bytes)
  if (position === 'all') throw malformed('data', 'no single position')
  const message: DataMessage = {
    type: 'data',
    id,
    position,
    offset: view.getUint32(6),
    total: view.getUint32(10),
    slice: bytes.subarray(DATA_HEADER_BYTES),
  }
  checkData(message)
  return message
}

function decodePosition(what: string, bytes: Uint8Array): Position {
  const position = bytes[5]!
  if (position === WHOLE_REQUEST) return 'all'
  if (position >= WANT_CHUNKS_MAX) throw malformed(what, `position ${position}`)
  return position
}

function checkWant({ id, deadlineMs, cids }: WantMessage): void {
  checkInteger('id', id, 0, U32_MAX)
  checkInteger('deadline', deadlineMs, 1, DEADLINE_MS_MAX)
  checkInteger('chunks in want', cids.length, 1, WANT_CHUNKS_MAX)
  // Asked twice in one request, a block would have to be sent twice and could be blamed on either position.
  if (!areDistinct(cids)) throw malformed('want', 'the same identifier twice')
}

function checkBasis({ snapshots }: BasisMessage): void {
  checkInteger('snapshots in basis', snapshots.length, 0, BASIS_SNAPSHOTS_MAX)
  if (!snapshots.every((cid) => isPageCid(decodeCid(cid.bytes)))) throw malformed('basis', 'not a snapshot')
  if (!areDistinct(snapshots)) throw malformed('basis', 'the same snapshot twice')
}

function areDistinct(cids: readonly CID[]): boolean {
  return new Set(cids.map((cid) => Buffer.from(cid.bytes).toString('latin1'))).size === cids.length
}

function checkData({ position, offset, total, slice }: DataMessage): void {
  checkInteger('position', position, 0, WANT_CHUNKS_MAX - 1)
  checkInteger('frame', total, 1, FRAME_BYTES_MAX)
  checkInteger('slice', slice.byteLength, 1, SLICE_BYTES_MAX)
  checkInteger('offset', offset, 0, total - 1)
  if (offset + slice.byteLength > total) throw malformed('data', `slice ends at ${offset + slice.byteLength}, its frame at ${total}`)
}

/** Type, id and position, in a frame with room for what follows them. */
function header(type: number, bytes: number, id: number, position: Position): Uint8Array {
  checkInteger('id', id, 0, U32_MAX)
  if (position !== 'all') checkInteger('position', position, 0, WANT_CHUNKS_MAX - 1)
  const frame = new Uint8Array(bytes)
  frame[0] = type
  viewOf(frame).setUint32(1, id)
  frame[5] = position === 'all' ? WHOLE_REQUEST : position
  return frame
}

function checkInteger(what: string, value: number, min: number, max: number): void {
  if (!Number.isInteger(value) || value < min) throw malformed(what, `${value}, ${min} is the least`)
  bound(what, value, max)
}

function bound(what: string, value: number, max: number): void {
  if (value > max) throw new ProtocolError({ code: 'TOO_LARGE', what, value, max })
}

function exactly(what: string, bytes: Uint8Array, wanted: number): void {
  if (bytes.byteLength !== wanted) throw malformed(what, `${bytes.byteLength} bytes, not ${wanted}`)
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}
