import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import * as dagCbor from '@ipld/dag-cbor'
import { decodeCid, pageCid } from '../../src/cid.ts'
import { AVAILABILITY_BYTES_MAX, AVAILABILITY_TTL_MS_MAX } from '../../src/limits.ts'
import {
  type AvailabilityAnnouncement,
  availabilityFreshness,
  CLOCK_SKEW_MS_MAX,
  COARSE_BITS_MAX,
  decodeAvailability,
  decodeHeads,
  encodeAvailability,
  encodeHeads,
  HEADS_BYTES_MAX,
  type HeadsAnnouncement,
  TIMESTAMP_BYTES_MAX,
} from '../../src/messages/index.ts'
import { hasFault } from './faults.ts'

const announcement: AvailabilityAnnouncement = {
  v: 1,
  snapshot: decodeCid(new Uint8Array(pageCid(new Uint8Array(1)).bytes)),
  coverage: 'complete',
  region: 'eu-west',
  load: 0,
  expiresAt: 1_000_000,
  addresses: [],
}
const heads: HeadsAnnouncement = { v: 1, ledger: 'main', timestamp: Uint8Array.of(1) }

describe('availability announcements', () => {
  it('fit 1 KiB at their largest', () => {
    const largest: AvailabilityAnnouncement = {
      ...announcement,
      coverage: new Uint8Array(COARSE_BITS_MAX / 8),
      region: 'r'.repeat(32),
      load: 100,
      expiresAt: Number.MAX_SAFE_INTEGER,
      addresses: [1, 2, 3, 4].map((i) => `/${i}`.padEnd(128, 'x')),
    }
    const bytes = encodeAvailability(largest)
    assert(bytes.byteLength <= AVAILABILITY_BYTES_MAX)
    assert.deepEqual(decodeAvailability(bytes), largest)
  })

  it('are refused beyond their bounds, in both directions', () => {
    refused('TOO_LARGE', { ...announcement, coverage: new Uint8Array(COARSE_BITS_MAX / 8 + 1) })
    refused('TOO_LARGE', { ...announcement, load: 101 })
    refused('TOO_LARGE', { ...announcement, addresses: ['/1', '/2', '/3', '/4', '/5'] })
    refused('MALFORMED', { ...announcement, coverage: new Uint8Array(0) })
    refused('MALFORMED', { ...announcement, coverage: 'partial' })
    refused('MALFORMED', { ...announcement, region: 'r'.repeat(33) })
    refused('MALFORMED', { ...announcement, region: 'EU' })
    refused('MALFORMED', { ...announcement, load: 0.5 })
    refused('MALFORMED', { ...announcement, expiresAt: -1 })
    refused('MALFORMED', { ...announcement, addresses: [`/${'x'.repeat(128)}`] })
    refused('MALFORMED', { ...announcement, peer: 'me' })
    refused('UNSUPPORTED_VERSION', { ...announcement, v: 2 })
    assert.throws(() => decodeAvailability(new Uint8Array(AVAILABILITY_BYTES_MAX + 1)), hasFault('TOO_LARGE'))
  })

  it('are fresh up to their expiry, and not for longer than they may claim to hold', () => {
    const { expiresAt } = announcement
    const earliest = expiresAt - AVAILABILITY_TTL_MS_MAX - CLOCK_SKEW_MS_MAX
    assert.equal(availabilityFreshness(announcement, expiresAt), 'expired')
    assert.equal(availabilityFreshness(announcement, expiresAt - 1), 'fresh')
    assert.equal(availabilityFreshness(announcement, earliest), 'fresh')
    assert.equal(availabilityFreshness(announcement, earliest - 1), 'too-far-ahead')
  })
})

describe('heads announcements', () => {
  it('fit their bound at their largest', () => {
    const largest: HeadsAnnouncement = { v: 1, ledger: 'l'.repeat(64), timestamp: new Uint8Array(TIMESTAMP_BYTES_MAX) }
    const bytes = encodeHeads(largest)
    assert(bytes.byteLength <= HEADS_BYTES_MAX)
    assert.deepEqual(decodeHeads(bytes), largest)
  })

  it('are refused beyond it', () => {
    assert.throws(() => encodeHeads({ ...heads, timestamp: new Uint8Array(TIMESTAMP_BYTES_MAX + 1) }), hasFault('TOO_LARGE'))
    assert.throws(() => encodeHeads({ ...heads, ledger: '' }), hasFault('MALFORMED'))
    assert.throws(() => decodeHeads(encodeAvailability(announcement)), hasFault('MALFORMED'))
  })
})

function refused(code: string, message: unknown): void {
  assert.throws(() => encodeAvailability(message as AvailabilityAnnouncement), hasFault(code))
  assert.throws(() => decodeAvailability(dagCbor.encode(message)), hasFault(code))
}
