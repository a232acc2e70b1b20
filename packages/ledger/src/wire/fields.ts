import type { ByteReader, ByteWriter } from '../bytes.ts'
import { type Certificate, decodeCertificate, encodeCertificate } from '../certificate.ts'
import { PUBLIC_KEY_BYTES } from '../committee.ts'
import type { Evidence } from '../engine/evidence.ts'
import type { EpochStart, Ready, SignedHeader } from '../engine/messages.ts'
import { readCommittee, writeCommittee } from '../epoch-chain/committee-delta.ts'
import { type ChainPoint, encodeHeader, readHeader } from '../header.ts'
import { decodePayload, encodePayload, type Payload } from '../payload.ts'
import { SIGNATURE_BYTES } from '../signing.ts'
import type { Vote, VoteKind } from '../votes.ts'

/** Fields of messages and records. Each `write` has a `read` that accepts what it wrote and nothing else. */

const VOTE_KINDS: readonly VoteKind[] = ['first', 'extra', 'final']

export function writeVoteKind(writer: ByteWriter, kind: VoteKind): void {
  writer.u8(VOTE_KINDS.indexOf(kind))
}

export function readVoteKind(reader: ByteReader): VoteKind {
  const kind = VOTE_KINDS[reader.u8()]
  if (kind === undefined) throw reader.fault('an unknown kind of vote')
  return kind
}

export function writeVote(writer: ByteWriter, { kind, epoch, slot, digest, seat, signature }: Vote): void {
  writeVoteKind(writer, kind)
  writer.u64(epoch).u64(slot).digest(digest).u8(seat).bytes(signature)
}

export function readVote(reader: ByteReader): Vote {
  return {
    kind: readVoteKind(reader),
    epoch: reader.u64(),
    slot: reader.u64(),
    digest: reader.digest(),
    seat: reader.u8(),
    signature: reader.bytes(SIGNATURE_BYTES),
  }
}

export function writeSignedHeader(writer: ByteWriter, { header, signature }: SignedHeader): void {
  writer.bytes(encodeHeader(header)).bytes(signature)
}

export function readSignedHeader(reader: ByteReader): SignedHeader {
  return { header: readHeader(reader), signature: reader.bytes(SIGNATURE_BYTES) }
}

export function writeCertificate(writer: ByteWriter, certificate: Certificate): void {
  const bytes = encodeCertificate(certificate)
  writer.u16(bytes.byteLength).bytes(bytes)
}

export function readCertificate(reader: ByteReader): Certificate {
  return decodeCertificate(reader.bytes(reader.u16()))
}

export function writeReady(writer: ByteWriter, { epoch, committee, publicKey, signature }: Ready): void {
  writer.u64(epoch).digest(committee).bytes(publicKey).bytes(signature)
}

export function readReady(reader: ByteReader): Ready {
  return {
    epoch: reader.u64(),
    committee: reader.digest(),
    publicKey: reader.bytes(PUBLIC_KEY_BYTES),
    signature: reader.bytes(SIGNATURE_BYTES),
  }
}

const EVIDENCE_TYPES = ['votes', 'proposals', 'certificates'] as const

export function writeEvidence(writer: ByteWriter, evidence: Evidence): void {
  writer.u8(EVIDENCE_TYPES.indexOf(evidence.type))
  switch (evidence.type) {
    case 'votes':
      for (const vote of [evidence.first, evidence.second]) writeVote(writer, vote)
      return
    case 'proposals':
      writer.u8(evidence.seat)
      for (const proposal of [evidence.first, evidence.second]) writeSignedHeader(writer, proposal)
      return
    case 'certificates':
      for (const certificate of [evidence.first, evidence.second]) writeCertificate(writer, certificate)
      return
    default:
      evidence satisfies never
  }
}

export function readEvidence(reader: ByteReader): Evidence {
  const type = EVIDENCE_TYPES[reader.u8()]
  switch (type) {
    case 'votes':
      return { type, first: readVote(reader), second: readVote(reader) }
    case 'proposals':
      return { type, seat: reader.u8(), first: readSignedHeader(reader), second: readSignedHeader(reader) }
    case 'certificates':
      return { type, first: readCertificate(reader), second: readCertificate(reader) }
    case undefined:
      throw reader.fault('an unknown kind of evidence')
    default:
      return type satisfies never
  }
}

export function writePayload(writer: ByteWriter, payload: Payload): void {
  const bytes = encodePayload(payload)
  writer.u32(bytes.byteLength).bytes(bytes)
}

export function readPayload(reader: ByteReader): Payload {
  return decodePayload(reader.bytes(reader.u32()))
}

export function writePoint(writer: ByteWriter, point: ChainPoint): void {
  writer
    .digest(point.digest)
    .u64(point.epoch)
    .u64(point.slot)
    .u64(point.height)
    .u64(point.time)
    .u64(point.stateHeight)
    .digest(point.nextCommittee)
}

export function readPoint(reader: ByteReader): ChainPoint {
  return {
    digest: reader.digest(),
    epoch: reader.u64(),
    slot: reader.u64(),
    height: reader.u64(),
    time: reader.u64(),
    stateHeight: reader.u64(),
    nextCommittee: reader.digest(),
  }
}

export function writeEpochStart(writer: ByteWriter, { number, committee, base }: EpochStart): void {
  writer.u64(number)
  writeCommittee(writer, committee)
  writePoint(writer, base)
}

export function readEpochStart(reader: ByteReader): EpochStart {
  return { number: reader.u64(), committee: readCommittee(reader), base: readPoint(reader) }
}

/** count u16, then each. */
export function writeList<Item>(writer: ByteWriter, items: readonly Item[], write: (writer: ByteWriter, item: Item) => void): void {
  writer.u16(items.length)
  for (const item of items) write(writer, item)
}

/** Items take bytes, so a list is bounded by what it is in. */
export function readList<Item>(reader: ByteReader, read: (reader: ByteReader) => Item): readonly Item[] {
  const items: Item[] = []
  for (let left = reader.u16(); left > 0; left--) items.push(read(reader))
  return items
}
