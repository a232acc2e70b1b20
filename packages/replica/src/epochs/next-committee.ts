import { type Committee, type CommitteeSize, createCommittee, type Digest, type LedgerId, type Member, ROLES } from '@cairn/ledger'
import { ReplicaError } from '../errors.ts'

/** What an operator lets its replica agree to: that `committee` follows this one committee, in this one epoch of this one ledger. */
export interface NextCommittee {
  readonly ledger: LedgerId
  /** The epoch that ends with it; in every other one the word counts nothing, so that it cannot be used again. */
  readonly epoch: number
  /** Hash of that epoch's committee: which one the operator had before its eyes. */
  readonly follows: Digest
  readonly committee: Committee
}

/** Beside `ledger.json`, and as much to be trusted: whoever can write there decides for the seat. */
export const NEXT_COMMITTEE_FILE = 'next.json'

const WHAT = 'cairn ledger next committee'
const VERSION = 1

/** A committee as JSON. */
export interface CommitteeText {
  readonly size: CommitteeSize
  readonly members: readonly { readonly peer: string; readonly publicKey: string; readonly role: Member['role'] }[]
}

export function committeeText({ size, members }: Committee): CommitteeText {
  return { size, members: members.map(({ peer, publicKey, role }) => ({ peer, publicKey: Buffer.from(publicKey).toString('hex'), role })) }
}

/** @throws {LedgerError} `BAD_COMMITTEE` */
export function committeeFrom({ size, members }: CommitteeText): Committee {
  return createCommittee(
    size,
    members.map(({ peer, publicKey, role }) => ({ peer, publicKey: new Uint8Array(Buffer.from(publicKey, 'hex')), role })),
  )
}

export function encodeNextCommittee({ ledger, epoch, follows, committee }: NextCommittee): string {
  return `${JSON.stringify({ what: WHAT, version: VERSION, ...ledger, epoch, follows, ...committeeText(committee) }, undefined, 2)}\n`
}

/** @throws {ReplicaError} `BAD_LEDGER_FILE` · {LedgerError} `BAD_COMMITTEE` */
export function decodeNextCommittee(text: string, path: string): NextCommittee {
  const stored = objectOf(text)
  const { what, version, networkId, chainId, epoch, follows, size, members } = stored
  const isNumber = (value: unknown): value is number => Number.isSafeInteger(value)
  if (what !== WHAT || version !== VERSION || typeof networkId !== 'string' || !isNumber(chainId) || !isNumber(epoch))
    throw new ReplicaError({ code: 'BAD_LEDGER_FILE', path })
  if (typeof follows !== 'string' || !isSize(size) || !Array.isArray(members) || !members.every(isMember))
    throw new ReplicaError({ code: 'BAD_LEDGER_FILE', path })
  return { ledger: { networkId, chainId }, epoch, follows, committee: committeeFrom({ size, members }) }
}

/** What is to change: by seat of the committee that is. */
export interface CommitteeChange {
  readonly remove: readonly number[]
  readonly replace: readonly { readonly seat: number; readonly member: Member }[]
  readonly add: readonly Member[]
  /** By default as many may fail as before. */
  readonly size?: CommitteeSize
}

/**
 * The committee after a change: seats that stay keep their order, those that come are behind them.
 *
 * @throws {LedgerError} `BAD_COMMITTEE`
 */
export function changedCommittee(committee: Committee, { remove, replace, add, size }: CommitteeChange): Committee {
  const kept = committee.members
    .map((member, seat) => replace.find((each) => each.seat === seat)?.member ?? member)
    .filter((_, seat) => !remove.includes(seat))
  const members = [...kept, ...add]
  return createCommittee(size ?? { ...committee.size, n: members.length }, members)
}

function objectOf(text: string): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null ? (value as Readonly<Record<string, unknown>>) : {}
  } catch {
    return {}
  }
}

function isSize(value: unknown): value is CommitteeSize {
  if (typeof value !== 'object' || value === null) return false
  const { n, f, c, p } = value as Readonly<Record<string, unknown>>
  return [n, f, c, p].every((each) => typeof each === 'number')
}

function isMember(value: unknown): value is CommitteeText['members'][number] {
  if (typeof value !== 'object' || value === null) return false
  const { peer, publicKey, role } = value as Readonly<Record<string, unknown>>
  return typeof peer === 'string' && typeof publicKey === 'string' && ROLES.some((known) => known === role)
}
