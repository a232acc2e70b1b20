import { randomBytes } from 'node:crypto'
import { type Address, createDialer, createLibp2pTransport, type Dialer, type Transport } from '@cairn/network'
import type { CID, SnapshotIndex } from '@cairn/protocol'
import { type Clock, type Log, type Random, silentReporter, sleep } from '@cairn/runtime'
import { MemoryBlockStore } from '@cairn/storage'
import { type DeltaOffer, Participant, SwarmError } from '@cairn/swarm'
import { initialTrust, type TrustState } from '@cairn/trust'
import { REFRESH_INTERVAL_MS, REFUSED_GRACE_MS } from './limits.ts'

export interface CatalogueInit {
  readonly trustRoot: Uint8Array
  readonly network: string
  readonly peers: readonly Address[]
  readonly patienceMs: number
  readonly signal: AbortSignal
}

export interface CatalogueComponents {
  readonly clock: Clock
  readonly random: Random
  readonly log: Log
}

/** A new identity for each use: whoever only looks needs none that lasts. */
const PEER_KEY_BYTES = 32

/** Reads what peers offer, verified from a `root.json`, and keeps nothing: for commands that only look. */
export class Catalogue implements AsyncDisposable {
  readonly #init: CatalogueInit
  readonly #clock: Clock
  readonly #transport: Transport
  readonly #participant: Participant
  readonly #dialer: Dialer
  readonly #pages: MemoryBlockStore

  private constructor(
    init: CatalogueInit,
    clock: Clock,
    transport: Transport,
    participant: Participant,
    dialer: Dialer,
    pages: MemoryBlockStore,
  ) {
    this.#init = init
    this.#clock = clock
    this.#transport = transport
    this.#participant = participant
    this.#dialer = dialer
    this.#pages = pages
  }

  static async open(init: CatalogueInit, { clock, random, log }: CatalogueComponents): Promise<Catalogue> {
    const pages = new MemoryBlockStore()
    const transport = await createLibp2pTransport({ privateKey: randomBytes(PEER_KEY_BYTES), listen: [], clock, log })
    const participant = await Participant.start(
      { network: init.network, ledgers: [], source: pages, metadata: async () => undefined },
      { transport, clock, random, log, reporter: silentReporter },
    )
    const dialer = createDialer({ transport, addresses: init.peers, clock, random, reporter: silentReporter })
    return new Catalogue(init, clock, transport, participant, dialer, pages)
  }

  /**
   * The newest metadata that verifies.
   *
   * @throws {TrustError} when every peer's metadata is refused
   * @throws {SwarmError} `NO_SOURCE`
   */
  async trustState(ledgers: readonly string[] | 'all'): Promise<TrustState> {
    const { trustRoot, patienceMs, signal } = this.#init
    const state = initialTrust(trustRoot, this.#clock.now())
    const startedMs = this.#clock.monotonicMs()
    for (;;) {
      const outcome = await this.#participant.refresh(state, ledgers)
      if (outcome.type === 'refreshed') return outcome.state
      const waitedMs = this.#clock.monotonicMs() - startedMs
      if (outcome.type === 'refused' && (outcome.error.fault.code === 'UNKNOWN_LEDGER' || waitedMs >= REFUSED_GRACE_MS)) throw outcome.error
      if (waitedMs >= patienceMs) {
        const reason = this.#transport.peers().length === 0 ? 'no-source' : 'no-source-has-it'
        throw new SwarmError({ code: 'NO_SOURCE', what: 'metadata', reason, waitedMs: patienceMs })
      }
      await sleep(this.#clock, REFRESH_INTERVAL_MS, signal)
    }
  }

  /** @throws {SwarmError} `NO_SOURCE` */
  manifest(snapshot: CID): Promise<SnapshotIndex> {
    return this.#participant.manifest(snapshot, this.#pages, { patienceMs: this.#init.patienceMs, signal: this.#init.signal })
  }

  /** What peers offer to a holder of `from` who wants `index`; what is not ready within `waitMs` is told as it stands. */
  deltas(index: SnapshotIndex, from: CID, waitMs: number): Promise<DeltaOffer> {
    return this.#participant.deltas(index, from, { waitMs, signal: this.#init.signal })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#dialer.stop()
    await this.#participant.stop()
    await this.#transport.stop()
  }
}
