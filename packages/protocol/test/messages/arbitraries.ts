import * as fc from 'fast-check'
import { chunkCid, type CID, pageCidFromDigest } from '../../src/cid.ts'
import { CHUNKS_MAX, FRAME_BYTES_MAX } from '../../src/limits.ts'
import {
  type AvailabilityAnnouncement,
  CONTROL_ERROR_CODES,
  type ControlMessage,
  DEADLINE_MS_MAX,
  type ExchangeMessage,
  type HeadsAnnouncement,
  type Position,
  REFUSE_CODES,
  RETRY_AFTER_MS_MAX,
} from '../../src/messages/index.ts'

/** Plain objects: `assert.deepEqual` tells them from ones without a prototype. */
function record<Fields>(fields: { [Key in keyof Fields]: fc.Arbitrary<Fields[Key]> }): fc.Arbitrary<Fields> {
  return fc.record<Fields>(fields, { noNullPrototype: true })
}

const digest = fc.uint8Array({ minLength: 32, maxLength: 32 })
const cid: fc.Arbitrary<CID> = fc.oneof(digest.map(chunkCid), digest.map(pageCidFromDigest))
const id = fc.integer({ min: 0, max: 0xffff_ffff })
const position = fc.integer({ min: 0, max: 63 })
const positionOrAll: fc.Arbitrary<Position> = fc.oneof(position, fc.constant('all' as const))
const name = fc.stringMatching(/^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/)

const data = record({
  slice: fc.uint8Array({ minLength: 1, maxLength: 300, size: 'max' }),
  before: fc.nat(FRAME_BYTES_MAX),
  after: fc.nat(FRAME_BYTES_MAX),
  id,
  position,
}).map(({ slice, before, after, id, position }) => {
  const offset = Math.min(before, FRAME_BYTES_MAX - slice.byteLength)
  const total = Math.min(offset + slice.byteLength + after, FRAME_BYTES_MAX)
  return { type: 'data' as const, id, position, offset, total, slice }
})

export const exchangeMessage: fc.Arbitrary<ExchangeMessage> = fc.oneof(
  record({
    type: fc.constant('want' as const),
    id,
    deadlineMs: fc.integer({ min: 1, max: DEADLINE_MS_MAX }),
    cids: fc.uniqueArray(cid, { minLength: 1, maxLength: 64, selector: String, size: 'max' }),
  }),
  record({ type: fc.constant('cancel' as const), id, position: positionOrAll }),
  data,
  record({ type: fc.constant('refuse' as const), id, position: positionOrAll, code: fc.constantFrom(...REFUSE_CODES) }),
  record({
    type: fc.constant('basis' as const),
    snapshots: fc.uniqueArray(digest.map(pageCidFromDigest), { maxLength: 4, selector: String }),
  }),
)

const bytes = (minLength: number): fc.Arbitrary<Uint8Array> => fc.uint8Array({ minLength, maxLength: 300, size: 'max' })
const addresses = (maxLength: number, bytesMax: number): fc.Arbitrary<string[]> =>
  fc.uniqueArray(
    fc.stringMatching(/^\/[!-~]{1,60}$/).filter((text) => text.length <= bytesMax),
    { maxLength, size: 'max' },
  )

export const controlMessage: fc.Arbitrary<ControlMessage> = fc.oneof(
  record({
    type: fc.constant('metadata' as const),
    id,
    file: fc.oneof(
      name.map((name) => `${name}.json`),
      fc.nat().map((version) => `${version}.root.json`),
    ),
  }),
  record({ type: fc.constant('metadata-reply' as const), id, bytes: fc.oneof(bytes(0), fc.constant(null)) }),
  record({ type: fc.constantFrom('have', 'peers'), id, snapshot: cid }),
  record({ type: fc.constant('have-reply' as const), id, state: fc.constantFrom('none', 'complete') }),
  record({ type: fc.constant('have-reply' as const), id, state: fc.constant('complete' as const), lastResort: fc.constant(true as const) }),
  record({ type: fc.constant('have-reply' as const), id, state: fc.constant('partial' as const), bitmap: bytes(1) }),
  record({ type: fc.constantFrom('subscribe', 'unsubscribe'), snapshot: cid }),
  record({
    type: fc.constant('have-update' as const),
    snapshot: cid,
    chunks: fc
      .uniqueArray(fc.nat(CHUNKS_MAX - 1), { minLength: 1, maxLength: 100, size: 'max' })
      .map((chunks) => chunks.sort((a, b) => a - b)),
  }),
  record({ type: fc.constant('peers-reply' as const), id, addresses: addresses(32, 256) }),
  record({ type: fc.constant('deltas' as const), id, snapshot: cid, from: cid }),
  record({ type: fc.constant('deltas-reply' as const), id, state: fc.constantFrom('none', 'preparing', 'ready') }),
  record({ type: fc.constant('deltas-reply' as const), id, state: fc.constant('ready' as const), sizes: bytes(1) }),
  record({
    type: fc.constant('error' as const),
    id,
    code: fc.constantFrom(...CONTROL_ERROR_CODES),
    retryAfterMs: fc.nat(RETRY_AFTER_MS_MAX),
  }),
)

export const headsAnnouncement: fc.Arbitrary<HeadsAnnouncement> = record({
  v: fc.constant(1 as const),
  ledger: name,
  timestamp: bytes(1),
})

export const availabilityAnnouncement: fc.Arbitrary<AvailabilityAnnouncement> = record({
  v: fc.constant(1 as const),
  snapshot: cid,
  coverage: fc.oneof(fc.constant('complete' as const), fc.uint8Array({ minLength: 1, maxLength: 256, size: 'max' })),
  region: fc.stringMatching(/^[a-z0-9-]{0,32}$/),
  load: fc.nat(100),
  expiresAt: fc.maxSafeNat(),
  addresses: addresses(4, 128),
})
