import { type QuorumSignature, type SeatSignature, isStatementSigned } from '../checkpoint/quorum-signature.ts'
import type { Committee, Member } from '../committee.ts'
import type { LedgerId } from '../envelope.ts'
import type { EpochStart, Ready } from '../engine/messages.ts'
import type { Verifier } from '../signing.ts'
import { deltaBetween } from './committee-delta.ts'
import { type EpochRecord, epochStatement } from './epoch-record.ts'
import { readyBytes } from './ready.ts'

/** The record of the epoch that began with `from` and ended where `next` begins, signed by nobody yet; `readies` may be any. */
export function openEpochRecord(from: EpochStart, next: EpochStart, readies: readonly Ready[]): EpochRecord {
  const { digest, slot, height } = next.base
  return {
    epoch: from.number,
    endSlot: slot,
    endHeight: height,
    endBlock: digest,
    committee: from.committee.hash,
    nextCommittee: next.committee.hash,
    delta: deltaBetween(from.committee, next.committee),
    ready: joinersOf(from.committee, next.committee).flatMap(({ seat, member }) => {
      // A committee that was wanted in an epoch before may be wanted again: what was said of it then is worth nothing.
      const isWord = ({ epoch, committee }: Ready): boolean => epoch === from.number && committee === next.committee.hash
      const word = readies.find((each) => isWord(each) && isKey(each.publicKey, member))
      return word === undefined ? [] : [{ seat, signature: word.signature }]
    }),
    signatures: [],
  }
}

/** Who has a seat in `next` with a key that has none in `committee`, by seat. */
export function joinersOf(committee: Committee, next: Committee): readonly { readonly seat: number; readonly member: Member }[] {
  return [...next.members.entries()]
    .filter(([, { publicKey }]) => !committee.members.some((member) => isKey(publicKey, member)))
    .map(([seat, member]) => ({ seat, member }))
}

/**
 * `record` with what `other`, which may come from anyone, has more of it: the word of joiners and signatures of seats. What is forged or about
 * another end is left out. `record` itself if there is nothing new.
 */
export function gatherEpochRecord(
  ledger: LedgerId,
  committee: Committee,
  next: Committee,
  verifier: Verifier,
  record: EpochRecord,
  other: Pick<EpochRecord, 'ready' | 'signatures'>,
): EpochRecord {
  const { epoch, nextCommittee } = record
  const statement = epochStatement(record)
  const said = readyBytes(ledger, epoch, nextCommittee)
  const joiners = new Map(joinersOf(committee, next).map(({ seat, member }) => [seat, member.publicKey]))
  const ready = merged(record.ready, other.ready, ({ seat, signature }) => {
    const publicKey = joiners.get(seat)
    return publicKey !== undefined && verifier.verify(publicKey, said, signature)
  })
  const signatures = merged(record.signatures, other.signatures, ({ seat, signature }) => {
    const publicKey = committee.members[seat]?.publicKey
    return publicKey !== undefined && isStatementSigned(ledger, verifier, publicKey, statement, signature)
  })
  return ready === record.ready && signatures === record.signatures ? record : { ...record, ready, signatures }
}

/** By seat, each once; those of `found` are checked only where there is none yet. */
function merged(known: QuorumSignature, found: QuorumSignature, isGenuine: (each: SeatSignature) => boolean): QuorumSignature {
  const bySeat = new Map(known.map((each) => [each.seat, each]))
  for (const each of found) if (!bySeat.has(each.seat) && isGenuine(each)) bySeat.set(each.seat, each)
  return bySeat.size === known.length ? known : [...bySeat.values()].sort((a, b) => a.seat - b.seat)
}

function isKey(publicKey: Uint8Array, member: Member): boolean {
  return Buffer.compare(publicKey, member.publicKey) === 0
}
