import { BAN_SCORE, type PeerFault, penaltyOf } from './penalties.ts'

export interface PeerScoresInit {
  /** After this long half of a score is forgiven. Default 10 minutes: a bad spell, not a grudge. */
  readonly halfLifeMs?: number
  /** Length of a peer's first ban; each further one is {@link BAN_GROWTH} times as long. Default 10 minutes. */
  readonly banMsFirst?: number
  /** Longest ban; also how long after its last ban a peer's bans are remembered. Default 24 hours. */
  readonly banMsMax?: number
  /** Peers remembered. Default 4,096, about half a mebibyte. */
  readonly peersMax?: number
}

export interface Judgement {
  /** The peer's score after this fault: 0 is clean, {@link BAN_SCORE} bans. */
  readonly score: number
  readonly verdict: 'keep' | 'ban'
  /** How much longer the peer is banned; 0 with `keep`. */
  readonly banMs: number
}

/** Ten minutes, forty, 160, eleven hours, then a day: an attacker's identity pays more each time, a mistake pays once. */
const BAN_GROWTH = 4
/** What `never` faults can add up to: just short of a ban, so that the next real fault bans. */
const SUSPECT_SCORE_MAX = BAN_SCORE - 1
/** A score stops here, so that a ban can end with a peer on probation and not with the next ban. */
const SCORE_MAX = 2 * BAN_SCORE

interface PeerRecord {
  score: number
  /** When `score` was right; it has decayed since. */
  scoredAt: number
  bansCount: number
  bannedUntil: number
}

/**
 * What is held against each peer.
 *
 * Scores decay, so a fault is forgiven in time; bans grow, so a repeated one is not. `now` is in milliseconds on any clock that does
 * not run backwards. At most `peersMax` peers are remembered: those banned for longest, then the worst.
 */
export class PeerScores {
  readonly #init: Required<PeerScoresInit>
  readonly #peers = new Map<string, PeerRecord>()

  constructor(init: PeerScoresInit = {}) {
    this.#init = { halfLifeMs: 600_000, banMsFirst: 600_000, banMsMax: 86_400_000, peersMax: 4096, ...init }
  }

  /** How many peers something is held against. */
  get size(): number {
    return this.#peers.size
  }

  score(peer: string, now: number): number {
    const record = this.#peers.get(peer)
    return record === undefined ? 0 : this.#decayed(record, now)
  }

  /**
   * Holds `fault` against `peer`.
   *
   * The last source is scored and kept: everything it sends is verified, so a bad source is better than none.
   * Once another source has turned up, its next fault that can ban does.
   */
  penalize(peer: string, fault: PeerFault, now: number, { isLastSource = false }: { readonly isLastSource?: boolean } = {}): Judgement {
    const record = this.#recordOf(peer, now)
    const { points, bans } = penaltyOf(fault)
    const before = this.#decayed(record, now)
    // `max`: a peer that is worse than suspect already does not get better by timing out.
    record.score = bans === 'never' ? Math.max(before, Math.min(before + points, SUSPECT_SCORE_MAX)) : Math.min(before + points, SCORE_MAX)
    record.scoredAt = now
    const judgement = this.#judge(record, bans, now, isLastSource)
    this.#forgetLeast(now)
    return judgement
  }

  /** Drops what is held against `peer`. */
  forget(peer: string): void {
    this.#peers.delete(peer)
  }

  #judge(record: PeerRecord, bans: 'at-once' | 'by-score' | 'never', now: number, isLastSource: boolean): Judgement {
    const { score } = record
    if (isLastSource) return { score, verdict: 'keep', banMs: 0 }
    // Faults that were on their way when the ban fell do not make it longer.
    if (now < record.bannedUntil) return { score, verdict: 'ban', banMs: record.bannedUntil - now }
    if (bans === 'never' || (bans === 'by-score' && score < BAN_SCORE)) return { score, verdict: 'keep', banMs: 0 }
    const { banMsFirst, banMsMax } = this.#init
    const banMs = Math.min(banMsFirst * BAN_GROWTH ** record.bansCount, banMsMax)
    record.bansCount += 1
    record.bannedUntil = now + banMs
    return { score, verdict: 'ban', banMs }
  }

  #recordOf(peer: string, now: number): PeerRecord {
    const known = this.#peers.get(peer)
    if (known === undefined) {
      const record = { score: 0, scoredAt: now, bansCount: 0, bannedUntil: Number.NEGATIVE_INFINITY }
      this.#peers.set(peer, record)
      return record
    }
    if (now >= known.bannedUntil + this.#init.banMsMax) known.bansCount = 0
    return known
  }

  #decayed({ score, scoredAt }: PeerRecord, now: number): number {
    return score * 2 ** (-Math.max(0, now - scoredAt) / this.#init.halfLifeMs)
  }

  /** An eighth at a time, so that a flood of new identities costs one sort per `peersMax / 8` of them and not one each. */
  #forgetLeast(now: number): void {
    const { peersMax } = this.#init
    if (this.#peers.size <= peersMax) return
    const least = [...this.#peers]
      .map(([peer, record]) => ({
        peer,
        bannedUntil: Math.max(record.bannedUntil, now),
        bansCount: record.bansCount,
        score: this.#decayed(record, now),
      }))
      .sort((a, b) => a.bannedUntil - b.bannedUntil || a.bansCount - b.bansCount || a.score - b.score)
      .slice(0, this.#peers.size - peersMax + Math.floor(peersMax / 8))
    for (const { peer } of least) this.#peers.delete(peer)
  }
}
