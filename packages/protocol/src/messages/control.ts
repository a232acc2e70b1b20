import type { CID } from '../cid.ts'
import { CHUNKS_MAX, METADATA_BYTES_MAX } from '../limits.ts'
import { malformed, readBytes, readInteger, readMap } from '../manifest/fields.ts'
import { peekField, readChoice, readLink, readListOf, readMatching, readTexts, U32_MAX } from './fields.ts'
import {
  ADDRESS_BYTES_MAX,
  BITMAP_BYTES_MAX,
  CONTROL_FRAME_BYTES_MAX,
  DELTA_SIZES_BYTES_MAX,
  HAVE_UPDATE_CHUNKS_MAX,
  PEER_ADDRESSES_MAX,
  RETRY_AFTER_MS_MAX,
} from './limits.ts'
import { isAddressText, isMetadataFile } from '../names.ts'
import { type CborFormat, decodeStrict, encodeStrict } from './strict-cbor.ts'

/** What travels on `/cairn/control/2`. Requests carry an `id` that their reply, or an `error`, repeats. */
export type ControlMessage =
  | MetadataMessage
  | MetadataReplyMessage
  | HaveMessage
  | HaveReplyMessage
  | SubscribeMessage
  | HaveUpdateMessage
  | PeersMessage
  | PeersReplyMessage
  | DeltasMessage
  | DeltasReplyMessage
  | ErrorMessage

/** Asks for a trust metadata file by its TUF name: `timestamp.json`, `3.root.json`. */
export interface MetadataMessage {
  readonly type: 'metadata'
  readonly id: number
  readonly file: string
}

/** The file as it was signed, or `null` if the peer has none of that name. */
export interface MetadataReplyMessage {
  readonly type: 'metadata-reply'
  readonly id: number
  readonly bytes: Uint8Array | null
}

/** Asks which chunks of `snapshot` the peer holds. */
export interface HaveMessage {
  readonly type: 'have'
  readonly id: number
  readonly snapshot: CID
}

/**
 * `bitmap` is an encoded `Bitmap` over the snapshot's chunk indexes; its size is for the receiver to know and check. `lastResort` asks to
 * be left alone while others have everything: a publisher's origin, which every node of a ledger could reach.
 */
export type HaveReplyMessage =
  | { readonly type: 'have-reply'; readonly id: number; readonly state: 'none' }
  | { readonly type: 'have-reply'; readonly id: number; readonly state: 'complete'; readonly lastResort?: true }
  | { readonly type: 'have-reply'; readonly id: number; readonly state: 'partial'; readonly bitmap: Uint8Array }

/** Starts or ends `have-update` pushes for `snapshot`. Subscribe before asking `have`, so that no chunk falls between the two. */
export interface SubscribeMessage {
  readonly type: 'subscribe' | 'unsubscribe'
  readonly snapshot: CID
}

/** Chunks the sender has gained since its last update: 1 to {@link HAVE_UPDATE_CHUNKS_MAX} indexes, strictly ascending. */
export interface HaveUpdateMessage {
  readonly type: 'have-update'
  readonly snapshot: CID
  readonly chunks: readonly number[]
}

/** Asks for addresses of peers that hold or are joining `snapshot`. */
export interface PeersMessage {
  readonly type: 'peers'
  readonly id: number
  readonly snapshot: CID
}

/** At most {@link PEER_ADDRESSES_MAX} different multiaddrs of at most {@link ADDRESS_BYTES_MAX} bytes, the best first. Hearsay. */
export interface PeersReplyMessage {
  readonly type: 'peers-reply'
  readonly id: number
  readonly addresses: readonly string[]
}

/** Asks for the deltas that lead a holder of all of `from` to `snapshot`. */
export interface DeltasMessage {
  readonly type: 'deltas'
  readonly id: number
  readonly snapshot: CID
  readonly from: CID
}

/**
 * `none` there are no such deltas and will not be · `preparing` ask again · `ready` they are sent in the place of frames, to whoever says on
 * the exchange that it has `from`. `sizes` is for `decodeDeltaSizes`; without it there are too many to list. With `preparing` it lists those
 * that are made already, and sent like any other.
 */
export type DeltasReplyMessage =
  | { readonly type: 'deltas-reply'; readonly id: number; readonly state: 'none' }
  | { readonly type: 'deltas-reply'; readonly id: number; readonly state: 'preparing' | 'ready'; readonly sizes?: Uint8Array }

/** Instead of a reply. Asking again before `retryAfterMs` have passed gives the same answer. */
export interface ErrorMessage {
  readonly type: 'error'
  readonly id: number
  readonly code: ControlErrorCode
  readonly retryAfterMs: number
}

/** `BUSY` not now · `TOO_MANY` more requests are open than one peer may have · `INTERNAL` answering failed. */
export type ControlErrorCode = (typeof CONTROL_ERROR_CODES)[number]
export const CONTROL_ERROR_CODES = ['BUSY', 'TOO_MANY', 'INTERNAL'] as const

/**
 * One message as one frame.
 *
 * @throws {ProtocolError} `TOO_LARGE`, `MALFORMED`, `BAD_CID` for a message that {@link decodeControl} would refuse
 */
export function encodeControl(message: ControlMessage): Uint8Array {
  return encodeStrict(CONTROL, message)
}

/**
 * Reads a frame of a peer.
 *
 * @throws {ProtocolError} `TOO_LARGE`, `MALFORMED`, `BAD_CID`
 */
export function decodeControl(bytes: Uint8Array): ControlMessage {
  return decodeStrict(CONTROL, bytes)
}

const KEYS = {
  metadata: ['type', 'id', 'file'],
  'metadata-reply': ['type', 'id', 'bytes'],
  have: ['type', 'id', 'snapshot'],
  'have-reply': ['type', 'id', 'state'],
  subscribe: ['type', 'snapshot'],
  unsubscribe: ['type', 'snapshot'],
  'have-update': ['type', 'snapshot', 'chunks'],
  peers: ['type', 'id', 'snapshot'],
  'peers-reply': ['type', 'id', 'addresses'],
  deltas: ['type', 'id', 'snapshot', 'from'],
  'deltas-reply': ['type', 'id', 'state'],
  error: ['type', 'id', 'code', 'retryAfterMs'],
} as const satisfies Record<ControlMessage['type'], readonly string[]>
const TYPES = Object.keys(KEYS) as (keyof typeof KEYS)[]
const OPTIONAL_KEYS: Partial<Record<ControlMessage['type'], readonly string[]>> = {
  'have-reply': ['bitmap', 'lastResort'],
  'deltas-reply': ['sizes'],
}

const CONTROL: CborFormat<ControlMessage> = {
  what: 'control message',
  bytesMax: CONTROL_FRAME_BYTES_MAX,
  // The longest list and, around it, a map of at most four fields.
  itemsMax: HAVE_UPDATE_CHUNKS_MAX + 16,
  read: readControl,
}

function readControl(value: unknown): ControlMessage {
  const type = readChoice(peekField(value, 'type'), 'type', TYPES)
  const map = readMap(value, type, KEYS[type], OPTIONAL_KEYS[type])
  switch (type) {
    case 'metadata':
      return { type, id: readId(map), file: readMatching(map['file'], 'file', isMetadataFile) }
    case 'metadata-reply':
      return { type, id: readId(map), bytes: map['bytes'] === null ? null : readBytes(map['bytes'], 'bytes', 0, METADATA_BYTES_MAX) }
    case 'have':
    case 'peers':
      return { type, id: readId(map), snapshot: readLink(map['snapshot'], 'snapshot') }
    case 'have-reply':
      return readHaveReply(map)
    case 'subscribe':
    case 'unsubscribe':
      return { type, snapshot: readLink(map['snapshot'], 'snapshot') }
    case 'have-update':
      return { type, snapshot: readLink(map['snapshot'], 'snapshot'), chunks: readChunks(map['chunks']) }
    case 'peers-reply':
      return { type, id: readId(map), addresses: readTexts(map['addresses'], 'addresses', PEER_ADDRESSES_MAX, isAddress) }
    case 'deltas':
      return { type, id: readId(map), snapshot: readLink(map['snapshot'], 'snapshot'), from: readLink(map['from'], 'from') }
    case 'deltas-reply':
      return readDeltasReply(map)
    case 'error':
      return {
        type,
        id: readId(map),
        code: readChoice(map['code'], 'code', CONTROL_ERROR_CODES),
        retryAfterMs: readInteger(map['retryAfterMs'], 'retryAfterMs', RETRY_AFTER_MS_MAX),
      }
    default:
      return type satisfies never
  }
}

function readId(map: Readonly<Record<string, unknown>>): number {
  return readInteger(map['id'], 'id', U32_MAX)
}

function readHaveReply(map: Readonly<Record<string, unknown>>): HaveReplyMessage {
  const type = 'have-reply'
  const id = readId(map)
  const state = readChoice(map['state'], 'state', ['none', 'partial', 'complete'])
  const isLastResort = Object.hasOwn(map, 'lastResort')
  if (isLastResort && (state !== 'complete' || map['lastResort'] !== true)) throw malformed(type, `last resort of a ${state} snapshot`)
  if (state === 'partial') return { type, id, state, bitmap: readBytes(map['bitmap'], 'bitmap', 1, BITMAP_BYTES_MAX) }
  if (Object.hasOwn(map, 'bitmap')) throw malformed(type, `bitmap of a ${state} snapshot`)
  return isLastResort ? { type, id, state: 'complete', lastResort: true } : { type, id, state }
}

function readDeltasReply(map: Readonly<Record<string, unknown>>): DeltasReplyMessage {
  const type = 'deltas-reply'
  const id = readId(map)
  const state = readChoice(map['state'], 'state', ['none', 'preparing', 'ready'])
  if (!Object.hasOwn(map, 'sizes')) return { type, id, state }
  if (state === 'none') throw malformed(type, `sizes of deltas that are ${state}`)
  return { type, id, state, sizes: readBytes(map['sizes'], 'sizes', 1, DELTA_SIZES_BYTES_MAX) }
}

function readChunks(value: unknown): readonly number[] {
  const chunks = readListOf(value, 'chunks', HAVE_UPDATE_CHUNKS_MAX, (chunk) => readInteger(chunk, 'chunk', CHUNKS_MAX - 1))
  if (chunks.length === 0) throw malformed('chunks', 'none')
  if (chunks.some((chunk, i) => i > 0 && chunk <= chunks[i - 1]!)) throw malformed('chunks', 'not ascending')
  return chunks
}

function isAddress(text: string): boolean {
  return isAddressText(text, ADDRESS_BYTES_MAX)
}
