import { ByteWriter } from './bytes.ts'
import { type Digest, taggedDigest } from './digest.ts'
import { LedgerError } from './errors.ts'

/** How many seats there are, and how many may fail in which way. */
export interface CommitteeSize {
  readonly n: number
  /** Seats that may do anything at all. */
  readonly f: number
  /** Seats that may also crash; at most f+c are faulty in all. */
  readonly c: number
  /** Seats that may be absent without losing the fast path. */
  readonly p: number
}

export interface Thresholds {
  /** Q: votes of a notarisation, skip or final certificate. */
  readonly quorum: number
  /** F: first votes of a fast certificate. */
  readonly fast: number
  /** W: evidence that allows an extra vote. */
  readonly weak: number
  /** D: payload holders among the signers of every certificate for a block. */
  readonly holders: number
}

/**
 * `full` votes, holds payloads and applies them · `log-witness` votes and holds payloads ·
 * `vote-witness` votes on headers alone. A learner has no seat.
 */
export type Role = (typeof ROLES)[number]
export const ROLES = ['full', 'log-witness', 'vote-witness'] as const

/** One seat. */
export interface Member {
  /** Where the seat's messages go; opaque here. */
  readonly peer: string
  /** Ed25519, 32 bytes. */
  readonly publicKey: Uint8Array
  readonly role: Role
}

export interface Committee {
  readonly size: CommitteeSize
  readonly thresholds: Thresholds
  /** By seat. */
  readonly members: readonly Member[]
  /** What the members and the size are known by. */
  readonly hash: Digest
}

export const PRESETS = {
  single: { n: 1, f: 0, c: 0, p: 0 },
  'cft-3': { n: 3, f: 0, c: 1, p: 0 },
  'cft-5': { n: 5, f: 0, c: 2, p: 1 },
  'bft-4': { n: 4, f: 1, c: 0, p: 0 },
  'bft-7': { n: 7, f: 1, c: 1, p: 1 },
  'geo-10': { n: 10, f: 1, c: 2, p: 2 },
} as const satisfies Readonly<Record<string, CommitteeSize>>

export type PresetName = keyof typeof PRESETS

/** Bitmaps, tallies and Ed25519 lists are made for tens of seats, not for thousands. */
export const SEATS_MAX = 64
export const PEER_BYTES_MAX = 255
export const PUBLIC_KEY_BYTES = 32

/** @throws {LedgerError} `BAD_COMMITTEE` for numbers under which two quorums need not meet, or the live ones are too few */
export function thresholdsOf({ n, f, c, p }: CommitteeSize): Thresholds {
  for (const [name, value] of Object.entries({ n, f, c, p }))
    if (!Number.isSafeInteger(value) || value < 0) throw bad(`${name} is ${value}`)
  if (n < 1 || n > SEATS_MAX) throw bad(`${n} seats, between 1 and ${SEATS_MAX} can be`)
  const slow = 3 * f + 2 * c + 1
  const fast = 3 * f + c + 2 * p + 1
  if (n < Math.max(slow, fast)) throw bad(`f=${f} c=${c} p=${p} need ${Math.max(slow, fast)} seats, there are ${n}`)
  return { quorum: Math.floor((n + f) / 2) + 1, fast: n - p, weak: f + p + 1, holders: f + c + 1 }
}

/**
 * The least seats that apply blocks. Witnesses vote for whatever state a header attests: with f that lie they must be no quorum, so that every
 * certificate has an honest vote by who has the state. Where nobody lies, leaders attest what they have.
 */
export function fullSeatsMin(size: CommitteeSize): number {
  const { n, f } = size
  return f === 0 ? 1 : n - thresholdsOf(size).quorum + f + 1
}

/**
 * A committee that can agree.
 *
 * @throws {LedgerError} `BAD_COMMITTEE`, also if a key or a peer has two seats, or there are fewer than 2(f+c)+1 payload holders or
 *   {@link fullSeatsMin} full seats
 */
export function createCommittee(size: CommitteeSize, members: readonly Member[]): Committee {
  const thresholds = thresholdsOf(size)
  if (members.length !== size.n) throw bad(`${members.length} members for ${size.n} seats`)
  if (new Set(members.map(({ peer }) => peer)).size !== members.length) throw bad('a peer has two seats')
  const keys = new Set(members.map(({ publicKey }) => Buffer.from(publicKey).toString('hex')))
  if (keys.size !== members.length) throw bad('a key has two seats')
  for (const { peer, publicKey } of members) {
    if (publicKey.byteLength !== PUBLIC_KEY_BYTES) throw bad(`a key of ${publicKey.byteLength} bytes`)
    const bytes = Buffer.byteLength(peer)
    if (bytes < 1 || bytes > PEER_BYTES_MAX) throw bad(`a peer's name of ${bytes} bytes`)
  }
  const holders = members.filter(({ role }) => holdsPayloads(role)).length
  const holdersMin = 2 * (size.f + size.c) + 1
  if (holders < holdersMin) throw bad(`${holders} seats hold payloads, ${holdersMin} must`)
  const full = members.filter(({ role }) => role === 'full').length
  if (full < fullSeatsMin(size)) throw bad(`${full} seats are full, ${fullSeatsMin(size)} must be`)
  return { size, thresholds, members, hash: committeeHash(size, members) }
}

export function holdsPayloads(role: Role): boolean {
  return role !== 'vote-witness'
}

function committeeHash({ n, f, c, p }: CommitteeSize, members: readonly Member[]): Digest {
  const writer = new ByteWriter(8 + n * (PUBLIC_KEY_BYTES + 64)).u16(n).u16(f).u16(c).u16(p)
  for (const { peer, publicKey, role } of members) {
    const name = Buffer.from(peer)
    writer.bytes(publicKey).u8(ROLES.indexOf(role)).u8(name.byteLength).bytes(name)
  }
  return taggedDigest('cairn-ledger-committee-v1', writer.finish())
}

function bad(reason: string): LedgerError {
  return new LedgerError({ code: 'BAD_COMMITTEE', reason })
}
