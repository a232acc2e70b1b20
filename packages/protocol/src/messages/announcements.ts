import type { CID } from '../cid.ts'
import { ProtocolError } from '../errors.ts'
import { AVAILABILITY_BYTES_MAX, AVAILABILITY_TTL_MS_MAX } from '../limits.ts'
import { readBytes, readInteger, readMap } from '../manifest/fields.ts'
import { peekField, readLink, readMatching, readTexts } from './fields.ts'
import {
  ANNOUNCED_ADDRESS_BYTES_MAX,
  ANNOUNCED_ADDRESSES_MAX,
  CLOCK_SKEW_MS_MAX,
  COARSE_BITS_MAX,
  HEADS_BYTES_MAX,
  LOAD_MAX,
  TIMESTAMP_BYTES_MAX,
} from './limits.ts'
import { isAddressText, isName, isRegion } from '../names.ts'
import { type CborFormat, decodeStrict, encodeStrict } from './strict-cbor.ts'

/** Version of both announcements; it moves together with the `1` in their topics. */
const VERSION = 1

/** There may be a new release of `ledger`: its `timestamp.json`, exactly as it was signed. */
export interface HeadsAnnouncement {
  readonly v: typeof VERSION
  readonly ledger: string
  /** At most {@link TIMESTAMP_BYTES_MAX} bytes, unverified here. */
  readonly timestamp: Uint8Array
}

/** Its publisher holds `snapshot`, or part of it, until `expiresAt`. */
export interface AvailabilityAnnouncement {
  readonly v: typeof VERSION
  readonly snapshot: CID
  /** Everything, or a `Bitmap.coarse` summary of 1 to {@link COARSE_BITS_MAX} bits, read with `coarseHas`. */
  readonly coverage: 'complete' | Uint8Array
  /** Empty if the publisher does not tell. */
  readonly region: string
  /** How much of its uplink is in use, in percent: an integer from 0 to 100. */
  readonly load: number
  /** Milliseconds since 1970 by the publisher's clock. */
  readonly expiresAt: number
  /** At most {@link ANNOUNCED_ADDRESSES_MAX} multiaddrs of at most {@link ANNOUNCED_ADDRESS_BYTES_MAX} bytes. Hearsay. */
  readonly addresses: readonly string[]
}

/** @throws {ProtocolError} `TOO_LARGE`, `MALFORMED` for an announcement that {@link decodeHeads} would refuse */
export function encodeHeads(announcement: HeadsAnnouncement): Uint8Array {
  return encodeStrict(HEADS, announcement)
}

/** @throws {ProtocolError} `TOO_LARGE`, `MALFORMED`, `UNSUPPORTED_VERSION` */
export function decodeHeads(bytes: Uint8Array): HeadsAnnouncement {
  return decodeStrict(HEADS, bytes)
}

/** @throws {ProtocolError} `TOO_LARGE`, `MALFORMED`, `BAD_CID` for an announcement that {@link decodeAvailability} would refuse */
export function encodeAvailability(announcement: AvailabilityAnnouncement): Uint8Array {
  return encodeStrict(AVAILABILITY, announcement)
}

/**
 * Reads an announcement; whether it still holds is for {@link availabilityFreshness} to say.
 *
 * @throws {ProtocolError} `TOO_LARGE`, `MALFORMED`, `BAD_CID`, `UNSUPPORTED_VERSION`
 */
export function decodeAvailability(bytes: Uint8Array): AvailabilityAnnouncement {
  return decodeStrict(AVAILABILITY, bytes)
}

/** `fresh`, or which way the announcement is out of time. */
export type Freshness = 'fresh' | 'expired' | 'too-far-ahead'

/**
 * Whether `announcement` holds at `now` (milliseconds since 1970).
 *
 * One that does not is ignored, never held against whoever relayed it: honest clocks differ,
 * and a relay for which it was fresh would be punished for ours.
 */
export function availabilityFreshness(announcement: AvailabilityAnnouncement, now: number): Freshness {
  if (announcement.expiresAt <= now) return 'expired'
  return announcement.expiresAt > now + AVAILABILITY_TTL_MS_MAX + CLOCK_SKEW_MS_MAX ? 'too-far-ahead' : 'fresh'
}

const HEADS: CborFormat<HeadsAnnouncement> = {
  what: 'heads announcement',
  bytesMax: HEADS_BYTES_MAX,
  itemsMax: 16,
  read: (value) => {
    const v = readVersion(value, HEADS.what)
    const map = readMap(value, HEADS.what, ['v', 'ledger', 'timestamp'])
    return {
      v,
      ledger: readMatching(map['ledger'], 'ledger', isName),
      timestamp: readBytes(map['timestamp'], 'timestamp', 1, TIMESTAMP_BYTES_MAX),
    }
  },
}

const AVAILABILITY: CborFormat<AvailabilityAnnouncement> = {
  what: 'availability announcement',
  bytesMax: AVAILABILITY_BYTES_MAX,
  itemsMax: 32,
  read: (value) => {
    const v = readVersion(value, AVAILABILITY.what)
    const map = readMap(value, AVAILABILITY.what, ['v', 'snapshot', 'coverage', 'region', 'load', 'expiresAt', 'addresses'])
    const coverage = map['coverage']
    return {
      v,
      snapshot: readLink(map['snapshot'], 'snapshot'),
      coverage: coverage === 'complete' ? coverage : readBytes(coverage, 'coverage', 1, COARSE_BITS_MAX / 8),
      region: readMatching(map['region'], 'region', isRegion),
      load: readInteger(map['load'], 'load', LOAD_MAX),
      expiresAt: readInteger(map['expiresAt'], 'expiresAt'),
      addresses: readTexts(map['addresses'], 'addresses', ANNOUNCED_ADDRESSES_MAX, isAddress),
    }
  },
}

function readVersion(announcement: unknown, what: string): typeof VERSION {
  const found = readInteger(peekField(announcement, 'v'), `version of ${what}`)
  if (found !== VERSION) throw new ProtocolError({ code: 'UNSUPPORTED_VERSION', what, found, supported: VERSION })
  return found
}

function isAddress(text: string): boolean {
  return isAddressText(text, ANNOUNCED_ADDRESS_BYTES_MAX)
}
