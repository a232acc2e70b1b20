import type { CID } from '@cairn/protocol'
import type { Instant } from '@cairn/runtime'
import { freshUntil, knownLedgers, type Release, releases, type TrustState } from '@cairn/trust'

/** What one state of the trust metadata says to a cache that follows `followed`; read once, because reading verifies it. */
export class Catalogue {
  /** Ledgers that are followed and that the repository has. */
  readonly ledgers: readonly string[]
  /** Their releases. */
  readonly releases: readonly Release[]
  readonly freshUntil: Instant
  readonly #followed: readonly string[] | 'all'
  readonly #isKnown: boolean
  /** Ledgers whose releases are known: under `all`, a source may lack one. */
  readonly #read: ReadonlySet<string>

  constructor(state: TrustState, followed: readonly string[] | 'all') {
    this.#followed = followed
    this.#isKnown = state.timestamp !== undefined
    this.ledgers = knownLedgers(state).filter((ledger) => this.#follows(ledger))
    this.#read = new Set(this.ledgers.filter((ledger) => Object.hasOwn(state.ledgers, ledger)))
    this.releases = [...this.#read].flatMap((ledger) => releases(state, ledger))
    this.freshUntil = freshUntil(state).expiresAt
  }

  /**
   * Why a snapshot that is mirrored should not be, if so. Only what was accepted and speaks of its ledger can withdraw one: sources
   * that have nothing, or nothing that verifies, cost a cache no snapshot.
   */
  withdrawalOf({ cid, ledger }: { readonly cid: CID; readonly ledger: string }): 'revoked' | 'not-followed' | undefined {
    if (!this.#follows(ledger)) return 'not-followed'
    // After a key was withdrawn only a root may be left, and a source may lack a ledger's file: neither speaks of releases.
    if (!this.#isKnown || (this.ledgers.includes(ledger) && !this.#read.has(ledger))) return undefined
    return this.releases.some(({ manifest }) => manifest.equals(cid)) ? undefined : 'revoked'
  }

  #follows(ledger: string): boolean {
    return this.#followed === 'all' || this.#followed.includes(ledger)
  }
}
