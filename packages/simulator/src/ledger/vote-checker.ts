import { type Certificate, type CertificateKind, type Committee, type Digest, type Member, SKIP, type Vote } from '@cairn/ledger'
import { insist } from './invariant.ts'
import type { LedgerObserver } from './observer.ts'
import { oracleThresholds } from './oracle.ts'

/** All votes that were ever signed and let out in one slot of one epoch, by seat. */
interface SlotVotes {
  readonly first: Map<Digest, Set<number>>
  readonly any: Map<Digest, Set<number>>
  readonly final: Map<Digest, Set<number>>
  /** What the votes suffice for, whether or not anyone holds the certificate. */
  readonly possible: Set<string>
  /** By honest seat. */
  readonly firstOf: Map<number, Digest>
  readonly extraBy: Set<number>
  readonly finalOf: Map<number, Digest>
}

/** Sees every vote, of every seat, and what follows from all of them together: no hidden certificate is hidden from it. */
export class VoteChecker {
  readonly #slots = new Map<string, SlotVotes>()
  readonly #committees = new Map<number, Committee>()
  readonly #observer: LedgerObserver | undefined

  constructor(observer?: LedgerObserver) {
    this.#observer = observer
  }

  enter(epoch: number, committee: Committee): void {
    const known = this.#committees.get(epoch)
    insist(known === undefined || known.hash === committee.hash, 'S8', () => `epoch ${epoch} has two committees`)
    this.#committees.set(epoch, committee)
  }

  /** The seat of `peer` in an epoch, or -1. */
  seatOf(epoch: number, peer: string): number {
    return this.#committees.get(epoch)?.members.findIndex((member) => member.peer === peer) ?? -1
  }

  /** Whether `has` holds for a quorum of the epoch's seats. */
  isQuorum(epoch: number, has: (member: Member) => boolean): boolean {
    const committee = this.#committees.get(epoch)
    return committee !== undefined && committee.members.filter(has).length >= oracleThresholds(committee.size).quorum
  }

  /** A vote leaves its seat, or is let out by the adversary. */
  add(vote: Vote, honest: boolean): void {
    this.#observer?.vote(vote)
    const { kind, slot, digest, seat } = vote
    const votes = this.#votes(vote.epoch, slot)
    const by = (map: Map<Digest, Set<number>>): Set<number> => {
      const known = map.get(digest) ?? new Set()
      map.set(digest, known)
      return known
    }
    if (kind === 'first') by(votes.first).add(seat)
    if (kind === 'final') by(votes.final).add(seat)
    else by(votes.any).add(seat)
    if (honest) checkHonest(votes, vote)
    this.#follow(votes, vote)
  }

  /** A certificate that an honest replica believes. */
  certificate(certificate: Certificate): void {
    this.#observer?.certificate(certificate)
    const { kind, epoch, slot, digest, signers } = certificate
    const committee = this.#committees.get(epoch)
    insist(committee !== undefined, 'S8', () => `a certificate of epoch ${epoch}, which never began`)
    const { quorum, fast, holders } = oracleThresholds(committee.size)
    const votes = this.#votes(epoch, slot)
    const cast = kind === 'fast' ? votes.first : kind === 'final' ? votes.final : votes.any
    const seats = new Set(signers.map(({ seat }) => seat))
    insist(seats.size === signers.length, 'S6', () => `${kind} of slot ${slot} counts a seat twice`)
    insist(seats.size >= (kind === 'fast' ? fast : quorum), 'S8', () => `${kind} of slot ${slot} has ${seats.size} signers`)
    for (const { seat, vote } of signers) {
      insist(kind !== 'fast' || vote === 'first', 'S6', () => `fast of slot ${slot} counts a ${vote} vote of seat ${seat}`)
      insist(cast.get(digest)?.has(seat) === true, 'S8', () => `${kind} of slot ${slot} counts seat ${seat}, which never voted so`)
    }
    insist((kind === 'skip') === (digest === SKIP), 'S8', () => `a ${kind} certificate for ${digest}`)
    if (kind === 'skip') return
    const held = [...seats].filter((seat) => committee.members[seat]?.role !== 'vote-witness').length
    insist(held >= holders, 'S8', () => `${kind} of slot ${slot} has ${held} payload holders, ${holders} are needed`)
  }

  /** Whether the votes of a slot suffice for a certificate, so that somebody can have seen it. */
  isPossible(epoch: number, slot: number, digest: Digest, kinds: readonly CertificateKind[]): boolean {
    const votes = this.#slots.get(`${epoch}/${slot}`)
    return votes !== undefined && kinds.some((kind) => votes.possible.has(`${kind}/${digest}`))
  }

  #votes(epoch: number, slot: number): SlotVotes {
    const key = `${epoch}/${slot}`
    const known = this.#slots.get(key)
    if (known !== undefined) return known
    const fresh: SlotVotes = {
      first: new Map(),
      any: new Map(),
      final: new Map(),
      possible: new Set(),
      firstOf: new Map(),
      extraBy: new Set(),
      finalOf: new Map(),
    }
    this.#slots.set(key, fresh)
    return fresh
  }

  /** S2 and S3, for certificates that the votes suffice for. */
  #follow(votes: SlotVotes, { epoch, slot, digest }: Vote): void {
    const committee = this.#committees.get(epoch)
    if (committee === undefined) return
    const { quorum, fast } = oracleThresholds(committee.size)
    const size = (map: Map<Digest, Set<number>>): number => map.get(digest)?.size ?? 0
    const before = votes.possible.size
    if (digest === SKIP) {
      if (size(votes.any) >= quorum) votes.possible.add(`skip/${digest}`)
    } else {
      if (size(votes.any) >= quorum) votes.possible.add(`notar/${digest}`)
      if (size(votes.first) >= fast) votes.possible.add(`fast/${digest}`)
      if (size(votes.final) >= quorum) votes.possible.add(`final/${digest}`)
    }
    if (votes.possible.size === before) return
    const all = [...votes.possible]
    const finals = all.filter((each) => each.startsWith('f'))
    for (const final of finals) {
      const decided = final.slice(final.indexOf('/') + 1)
      const other = all.find((each) => !each.endsWith(decided))
      insist(other === undefined, other?.startsWith('f') === true ? 'S2' : 'S3', () => `slot ${slot}: votes for ${final} and for ${other}`)
    }
  }
}

/** S4 and S5, over the seat's whole life. */
function checkHonest(votes: SlotVotes, { kind, seat, slot, digest }: Vote): void {
  if (kind === 'first') {
    const before = votes.firstOf.get(seat)
    insist(before === undefined || before === digest, 'S4', () => `seat ${seat} first-voted twice in slot ${slot}`)
    votes.firstOf.set(seat, digest)
  } else if (kind === 'extra') {
    votes.extraBy.add(seat)
  } else {
    const before = votes.finalOf.get(seat)
    insist(before === undefined || before === digest, 'S5', () => `seat ${seat} cast two final votes in slot ${slot}`)
    votes.finalOf.set(seat, digest)
    insist(votes.firstOf.get(seat) === digest, 'S5', () => `seat ${seat} cast a final vote in slot ${slot} for what it had not first-voted`)
  }
  const both = votes.extraBy.has(seat) && votes.finalOf.has(seat)
  insist(!both, 'S5', () => `seat ${seat} cast an extra and a final vote in slot ${slot}`)
}
