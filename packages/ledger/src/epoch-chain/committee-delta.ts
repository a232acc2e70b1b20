import type { ByteReader, ByteWriter } from '../bytes.ts'
import {
  type Committee,
  type CommitteeSize,
  createCommittee,
  type Member,
  PEER_BYTES_MAX,
  PUBLIC_KEY_BYTES,
  ROLES,
  SEATS_MAX,
} from '../committee.ts'
import { LedgerError } from '../errors.ts'

/** How a committee comes from the one before: its size, and the seats whose member is another, ascending. */
export interface CommitteeDelta {
  readonly size: CommitteeSize
  readonly seats: readonly { readonly seat: number; readonly member: Member }[]
}

export function deltaBetween(from: Committee, to: Committee): CommitteeDelta {
  const seats = [...to.members.entries()].map(([seat, member]) => ({ seat, member }))
  return { size: to.size, seats: seats.filter(({ seat, member }) => !isSame(from.members[seat], member)) }
}

/**
 * The committee after `epoch`.
 *
 * @throws {LedgerError} `WRONG_DELTA` for one that names a seat twice, that does not exist or that does not change, that leaves a seat
 *   empty, or that makes a committee which could not agree
 */
export function applyDelta(epoch: number, from: Committee, { size, seats }: CommitteeDelta): Committee {
  const wrong = (reason: string): LedgerError => new LedgerError({ code: 'WRONG_DELTA', epoch, reason })
  const members: Member[] = from.members.slice(0, size.n)
  let last = -1
  for (const { seat, member } of seats) {
    if (seat <= last || seat >= size.n || seat > members.length) throw wrong(`seat ${seat} after seat ${last}`)
    if (isSame(members[seat], member)) throw wrong(`seat ${seat} does not change`)
    members[seat] = member
    last = seat
  }
  try {
    return createCommittee(size, members)
  } catch (error) {
    if (error instanceof LedgerError) throw wrong(error.message)
    throw error
  }
}

/** n, f, c, p u16 | count u8, then for each: seat u8 | key 32 | role u8 | name length u8 | name. */
export function writeDelta(writer: ByteWriter, { size, seats }: CommitteeDelta): void {
  writeSize(writer, size)
  writer.u8(seats.length)
  for (const { seat, member } of seats) {
    writer.u8(seat)
    writeMember(writer, member)
  }
}

export function readDelta(reader: ByteReader): CommitteeDelta {
  const size = readSize(reader)
  const count = reader.u8()
  if (count > SEATS_MAX) throw reader.fault(`${count} seats`)
  return { size, seats: Array.from({ length: count }, () => ({ seat: reader.u8(), member: readMember(reader) })) }
}

/** n, f, c, p u16 | members by seat. */
export function writeCommittee(writer: ByteWriter, { size, members }: Committee): void {
  writeSize(writer, size)
  for (const member of members) writeMember(writer, member)
}

/** @throws {LedgerError} `MALFORMED`, `BAD_COMMITTEE` */
export function readCommittee(reader: ByteReader): Committee {
  const size = readSize(reader)
  if (size.n > SEATS_MAX) throw reader.fault(`${size.n} seats`)
  return createCommittee(
    size,
    Array.from({ length: size.n }, () => readMember(reader)),
  )
}

function writeSize(writer: ByteWriter, { n, f, c, p }: CommitteeSize): void {
  writer.u16(n).u16(f).u16(c).u16(p)
}

function readSize(reader: ByteReader): CommitteeSize {
  return { n: reader.u16(), f: reader.u16(), c: reader.u16(), p: reader.u16() }
}

function writeMember(writer: ByteWriter, { peer, publicKey, role }: Member): void {
  const name = Buffer.from(peer)
  writer.bytes(publicKey).u8(ROLES.indexOf(role)).u8(name.byteLength).bytes(name)
}

function readMember(reader: ByteReader): Member {
  const publicKey = reader.bytes(PUBLIC_KEY_BYTES)
  const role = ROLES[reader.u8()]
  if (role === undefined) throw reader.fault('an unknown role')
  const nameBytes = reader.u8()
  if (nameBytes > PEER_BYTES_MAX) throw reader.fault(`a name of ${nameBytes} bytes`)
  const name = reader.bytes(nameBytes)
  const peer = Buffer.from(name).toString('utf8')
  if (Buffer.compare(Buffer.from(peer), name) !== 0) throw reader.fault('a name that is not UTF-8')
  return { peer, publicKey, role }
}

function isSame(a: Member | undefined, b: Member): boolean {
  return a !== undefined && a.peer === b.peer && a.role === b.role && Buffer.compare(a.publicKey, b.publicKey) === 0
}
