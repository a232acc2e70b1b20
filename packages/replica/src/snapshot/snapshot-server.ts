import { ByteReader, decodeCheckpoint, type EpochRecord, type PeerId, readItem } from '@cairn/ledger'
import type { Clock } from '@cairn/runtime'
import type { StateStore } from '../state/state-store.ts'
import { HELD_HEIGHTS_MAX, HOLD_MS, PAGES_BYTES_MAX } from './limits.ts'
import type { SnapshotOffer } from './offer.ts'
import type { SnapshotMessage } from './snapshot-message.ts'

export interface SnapshotServerInit {
  readonly clock: Clock
  readonly store: () => StateStore
  /** Records of the epochs from `from` up to, not including, `to`; `undefined` if they are not all here. */
  readonly epochsBetween: (from: number, to: number) => readonly EpochRecord[] | undefined
  readonly send: (to: PeerId, message: SnapshotMessage) => void
}

/**
 * Leads others to a state here. One state is held for all of them at a time, as long as anybody asks for it and it is not too far behind: a
 * ledger may make blocks faster than a state is copied, and a state that changes under the hands of who copies it never ends.
 */
export class SnapshotServer {
  readonly #init: SnapshotServerInit
  #held: { readonly height: number; untilMs: number } | undefined

  constructor(init: SnapshotServerInit) {
    this.#init = init
  }

  /** The oldest height that somebody still needs, `undefined` if nobody does. */
  get heldHeight(): number | undefined {
    const held = this.#held
    if (held === undefined) return undefined
    const isOver = this.#init.clock.monotonicMs() > held.untilMs || this.#init.store().state.height - held.height > HELD_HEIGHTS_MAX
    if (isOver) this.#held = undefined
    return this.#held?.height
  }

  /** Somebody does not get on: is given the certificate that it lacks, or a state if the blocks that it needs are gone here. */
  answer(from: PeerId, { epoch, applied, certified }: Extract<SnapshotMessage, { readonly type: 'ask' }>): void {
    const { chain } = this.#init.store()
    const own = chain.certifiedUpTo(applied)
    if (own?.certified !== undefined && own.height > certified) {
      this.#init.send(from, { type: 'checkpoint', checkpoint: decodeCheckpoint(own.certified) })
    }
    const oldest = chain.oldestBlock
    // Where the next block is still here, it is what it needs.
    if (oldest !== undefined && oldest <= applied + 1) return
    const offer = this.#offerTo(epoch, applied)
    if (offer === undefined) return
    this.#hold(offer.checkpoint.header.height)
    this.#init.send(from, { type: 'offer', offer })
  }

  /** Answers with pages, as many as one message takes. */
  servePages(from: PeerId, { request, height, hashes }: Extract<SnapshotMessage, { readonly type: 'pages-wanted' }>): void {
    if (height === this.#held?.height) this.#hold(height)
    const store = this.#init.store()
    const pages: Uint8Array[] = []
    let bytes = 0
    for (const hash of hashes) {
      const page = store.pageBytes(hash)
      // The rest is asked for again, here or elsewhere.
      if (page === undefined) continue
      bytes += page.byteLength
      if (bytes > PAGES_BYTES_MAX && pages.length > 0) break
      pages.push(page)
    }
    this.#init.send(from, { type: 'pages', request, pages })
  }

  #hold(height: number): void {
    this.#held = { height, untilMs: this.#init.clock.monotonicMs() + HOLD_MS }
    this.#init.store().keepFrom(height)
  }

  #offerTo(epoch: number, applied: number): SnapshotOffer | undefined {
    const store = this.#init.store()
    const { chain, state } = store
    const kept = chain.certifiedUpTo(this.heldHeight ?? state.height)
    const item = kept && chain.itemAt(kept.height)
    if (kept?.certified === undefined || item === undefined || kept.height <= applied || store.stateAt(kept.height) === undefined)
      return undefined
    const checkpoint = decodeCheckpoint(kept.certified)
    const header = readItem(new ByteReader(item, 'kept block')).proposal?.header
    const epochs = this.#init.epochsBetween(epoch, checkpoint.header.epoch)
    const peaks = chain.peaks(kept.height - 1)
    if (header === undefined || epochs === undefined || peaks === undefined) return undefined
    return { checkpoint, epochs, header, peaks }
  }
}
