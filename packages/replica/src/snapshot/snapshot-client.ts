import { type Checkpoint, type EpochStart, type LedgerId, PAGE_BYTES_MAX, type PeerId, type Verifier } from '@cairn/ledger'
import type { Clock, Timer } from '@cairn/runtime'
import { isDamage } from '../errors.ts'
import type { ReplicaEvent } from '../events.ts'
import { hasIncoming, incomingFile, removeDatabase } from '../state/state-files.ts'
import type { StateStore } from '../state/state-store.ts'
import { IncomingState } from './incoming-state.ts'
import { ASK_MS, PAGES_BYTES_MAX, PAGES_PER_TURN_MAX } from './limits.ts'
import { MissingPages } from './missing-pages.ts'
import { PageRequests } from './page-requests.ts'
import { type SnapshotOffer, type VerifiedOffer, verifyOffer } from './offer.ts'
import type { SnapshotMessage } from './snapshot-message.ts'

export interface SnapshotClientInit {
  readonly directory: string
  readonly ledger: LedgerId
  readonly verifier: Verifier
  readonly clock: Clock
  /** How often a replica that does not get on asks. */
  readonly askMs?: number
  readonly store: () => StateStore
  /** Does what may find that the state is damaged. */
  readonly guarded: (act: () => void) => void
  /** The epoch that this replica is in: what it trusts. */
  readonly known: () => EpochStart
  /** Height of the newest certified checkpoint. */
  readonly certified: () => number
  /** Who may have what is missing here. */
  readonly sources: () => readonly PeerId[]
  readonly send: (to: PeerId, message: SnapshotMessage) => void
  /** A peer says that this checkpoint, which was made here, is certified. False if another was made here. @throws {LedgerError} if it is not */
  readonly adopt: (checkpoint: Checkpoint) => boolean
  /** The state of `offer` is whole under {@link incomingFile}, closed: puts it in place of the state. */
  readonly install: (offer: VerifiedOffer) => Promise<void>
  readonly observe: (event: ReplicaEvent) => void
}

interface Download {
  readonly offer: VerifiedOffer
  readonly incoming: IncomingState
  readonly missing: MissingPages
  /** Who offered it. */
  readonly from: PeerId
  readonly requests: PageRequests
}

/**
 * Gets a replica on that blocks do not: when nothing was applied for a while it asks one peer after the other, and where the blocks that it
 * needs are gone it fetches the state of the newest checkpoint, page by page, each verified before it is kept, and only those that are not here.
 * A kill loses nothing of it; a newer checkpoint takes over the pages that it shares.
 */
export class SnapshotClient {
  readonly #init: SnapshotClientInit
  #timer: Timer | undefined
  #download: Download | undefined
  #installing: Promise<void> | undefined
  #appliedBefore: number | undefined
  #turn = 0
  #asked: PeerId | undefined
  #requestsCount = 0
  #stopped = false

  constructor(init: SnapshotClientInit) {
    this.#init = init
  }

  start(): void {
    this.#timer = this.#init.clock.setTimer(this.#init.askMs ?? ASK_MS, () => {
      this.#init.guarded(() => this.#tick())
      if (!this.#stopped) this.start()
    })
  }

  /** Leaves what has been fetched where it is. */
  stop(): void {
    this.#stopped = true
    this.#timer?.cancel()
    this.#download?.incoming[Symbol.dispose]()
    this.#download = undefined
  }

  /** Waits for what is being put in place. */
  async settled(): Promise<void> {
    await this.#installing
  }

  /** @throws {LedgerError} for a peer that says what is not true */
  hear(from: PeerId, message: Exclude<SnapshotMessage, { readonly type: 'ask' | 'pages-wanted' }>): void {
    if (this.#stopped) return
    if (message.type === 'pages') return this.#take(from, message)
    if (from !== this.#asked) return
    if (message.type === 'checkpoint') {
      const { height } = message.checkpoint.header
      if (!this.#init.adopt(message.checkpoint)) this.#init.observe({ type: 'diverged', height })
      return
    }
    this.#begin(from, message.offer)
  }

  #tick(): void {
    const { store, sources, send, known, certified, directory } = this.#init
    const { state, chain } = store()
    const hasMoved = this.#appliedBefore !== undefined && state.height > this.#appliedBefore
    this.#appliedBefore = state.height
    if (this.#installing !== undefined) return
    if (this.#download !== undefined) return this.#watch(this.#download)
    // Blocks did it: what was fetched of a state is not needed.
    if (hasMoved && hasIncoming(directory)) removeDatabase(incomingFile(directory))
    if (hasMoved && chain.newestCheckpointHeight <= certified()) return
    const peers = sources()
    this.#asked = peers[this.#turn++ % Math.max(1, peers.length)]
    if (this.#asked !== undefined) {
      send(this.#asked, { type: 'ask', epoch: known().number, applied: state.height, certified: certified() })
    }
  }

  /** A download goes on for as long as it is needed and somebody answers. */
  #watch(download: Download): void {
    if (download.offer.point.height <= this.#init.store().state.height) return this.#leave('blocks were faster', true)
    download.requests.growOld()
    this.#request(download)
  }

  #begin(from: PeerId, claimed: SnapshotOffer): void {
    const { ledger, known, verifier, store, directory, observe } = this.#init
    if (this.#download !== undefined || this.#installing !== undefined) return
    const offer = verifyOffer(ledger, known(), verifier, claimed)
    if (offer.point.height <= store().state.height) return
    const incoming = new IncomingState(incomingFile(directory), offer.point.height)
    const root = new Uint8Array(Buffer.from(offer.checkpoint.header.stateRoot, 'hex'))
    const missing = new MissingPages(root, {
      page: (hash) => this.#pageHere(incoming, hash),
      add: (hash, bytes) => incoming.add(hash, bytes),
    })
    this.#download = { offer, incoming, missing, from, requests: new PageRequests() }
    observe({ type: 'snapshot-begun', from, height: offer.point.height })
    this.#proceed(this.#download)
  }

  /** What a replica has from before is not asked for. */
  #pageHere(incoming: IncomingState, hash: Uint8Array): Uint8Array | undefined {
    const found = incoming.page(hash)
    if (found !== undefined) return found
    const own = this.#pageOfState(hash)
    if (own !== undefined) incoming.add(hash, own)
    return own
  }

  #pageOfState(hash: Uint8Array): Uint8Array | undefined {
    try {
      return this.#init.store().pageBytes(hash)
    } catch (error) {
      // A page that the disk changed is fetched like one that was never here.
      if (isDamage(error)) return undefined
      throw error
    }
  }

  /** Looks for some pages, and lets others have a turn; then asks for what is missing. */
  #proceed(download: Download): void {
    if (this.#download !== download) return
    let hasLooked = false
    try {
      download.incoming.together(() => {
        hasLooked = download.missing.look(PAGES_PER_TURN_MAX)
      })
    } catch (error) {
      return this.#leave(reasonOf(error), isDamage(error))
    }
    if (!hasLooked) setImmediate(() => this.#proceed(download))
    else if (download.missing.isDone) this.#finish(download)
    else this.#request(download)
  }

  /** Has a few requests under way, for as long as somebody may have the rest. */
  #request(download: Download): void {
    const { requests, missing, offer, from } = download
    const peers = this.#init.sources()
    if (requests.isHopeless(peers)) return this.#leave('nobody has the rest of it', false)
    const next = (): ReturnType<PageRequests['next']> => requests.next(this.#requestsCount++ % 2 ** 32, missing.wanted, peers, from)
    for (let request = next(); request !== undefined; request = next()) {
      const { id, peer, hashes } = request
      this.#init.send(peer, { type: 'pages-wanted', request: id, height: offer.point.height, hashes })
    }
  }

  #take(from: PeerId, { request, pages }: Extract<SnapshotMessage, { readonly type: 'pages' }>): void {
    const download = this.#download
    const asked = download?.requests.answered(request, from)
    if (download === undefined || asked === undefined) return
    let isLie = false
    try {
      download.incoming.together(() => {
        for (const page of pages) isLie ||= !download.missing.take(page, asked)
      })
    } catch (error) {
      // A full disk; or a page whose hash is certified is none, so more seats lie than the committee bears.
      return this.#leave(reasonOf(error), isDamage(error))
    }
    // Room for more, and no more: it lacks some pages, or has no hurry.
    const bytes = pages.reduce((sum, { byteLength }) => sum + byteLength, 0)
    const hasMore = pages.length < asked.size && bytes + PAGE_BYTES_MAX <= PAGES_BYTES_MAX
    if (isLie) {
      download.requests.lied(from)
      this.#init.observe({ type: 'snapshot-lie', from, height: download.offer.point.height })
    } else if (pages.length === 0) download.requests.failed(from)
    else download.requests.helped(from, !hasMore)
    this.#proceed(download)
  }

  /** Ends a download that is not finished. What is here stays for the next one, unless none is needed or the disk changed it. */
  #leave(reason: string, isOver: boolean): void {
    const { directory, observe } = this.#init
    const height = this.#download?.offer.point.height ?? 0
    this.#download?.incoming[Symbol.dispose]()
    this.#download = undefined
    if (isOver) removeDatabase(incomingFile(directory))
    observe({ type: 'snapshot-left', height, reason })
  }

  #finish(download: Download): void {
    this.#download = undefined
    this.#installing = this.#install(download).finally(() => {
      this.#installing = undefined
    })
  }

  async #install({ offer, incoming, missing }: Download): Promise<void> {
    const { install, observe } = this.#init
    const { height } = offer.point
    try {
      incoming.finish(offer)
      await install(offer)
      observe({ type: 'snapshot-installed', height, ...missing.counts })
    } catch (error) {
      incoming[Symbol.dispose]()
      if (isDamage(error)) removeDatabase(incomingFile(this.#init.directory))
      observe({ type: 'snapshot-left', height, reason: reasonOf(error) })
    }
  }
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
