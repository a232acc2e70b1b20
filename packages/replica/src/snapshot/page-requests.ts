import type { PeerId } from '@cairn/ledger'
import {
  PAGES_ASKED_FIRST,
  PAGES_ASKED_MAX,
  PAGES_ASKED_MIN,
  PERIOD_SHARE,
  REQUESTS_LATE_MAX,
  REQUESTS_MAX,
  ROUNDS_WITHOUT_PAGES_MAX,
} from './limits.ts'

/** Pages to be asked of one peer. */
export interface PageRequest {
  readonly id: number
  readonly peer: PeerId
  readonly hashes: readonly Uint8Array[]
}

interface OpenRequest {
  readonly peer: PeerId
  /** Hashes in hexadecimal. */
  readonly names: ReadonlySet<string>
  isOld: boolean
}

/**
 * Which pages of a state are asked of whom: a few requests at a time, each page in one of them, each with the peer that failed least, and among
 * those the one with the fewest. So a peer that is mute costs the requests that it was sent until it is given up on, while the others go on.
 *
 * Requests are small at first and grow with what comes: all of them share the link, and what a slow one has not brought yet must not look mute.
 */
export class PageRequests {
  readonly #open = new Map<number, OpenRequest>()
  /** Given up, and taken if they are answered after all: hashes prove a late page like any other. */
  readonly #late = new Map<number, OpenRequest>()
  /** Requests that brought nothing, or not all, since the last that did. */
  readonly #failures = new Map<PeerId, number>()
  readonly #liars = new Set<PeerId>()
  /** Requests in a row, of anybody, that brought nothing. */
  #barren = 0
  /** Pages that came in the last period between two calls of {@link growOld}, and in this one. */
  #cameBefore = 0
  #came = 0
  /** Pages of the request that was answered last. */
  #answeredCount = 0

  /** The next request, of pages that are `wanted` by name and in none yet; `undefined` while it is better to wait. Of equals `first` is asked. */
  next(id: number, wanted: ReadonlyMap<string, Uint8Array>, peers: readonly PeerId[], first: PeerId): PageRequest | undefined {
    const peer = this.#open.size < REQUESTS_MAX ? this.#choose(peers, first) : undefined
    if (peer === undefined) return undefined
    const asked = new Set([...this.#open.values()].flatMap(({ names }) => [...names]))
    const free = [...wanted].filter(([name]) => !asked.has(name))
    // What it brings is more to ask for: a request for each page would be many.
    if (free.length === 0 || (free.length < PAGES_ASKED_MIN && this.#openOf(peer) > 0)) return undefined
    const share = Math.ceil(free.length / (REQUESTS_MAX - this.#open.size))
    const part = free.slice(0, Math.min(Math.max(share, PAGES_ASKED_MIN), this.#pagesMax()))
    this.#open.set(id, { peer, names: new Set(part.map(([name]) => name)), isOld: false })
    return { id, peer, hashes: part.map(([, hash]) => hash) }
  }

  /** The names of what was asked, if `peer` may answer request `id`, which may have been given up not long ago. */
  answered(id: number, peer: PeerId): ReadonlySet<string> | undefined {
    const request = this.#open.get(id) ?? this.#late.get(id)
    if (request?.peer !== peer) return undefined
    // Who answers is not mute: what it was asked after this has waited for this.
    const later = [...this.#open.values()].slice([...this.#open.keys()].indexOf(id) + 1)
    for (const other of later) if (other.peer === peer) other.isOld = false
    this.#open.delete(id)
    this.#late.delete(id)
    this.#answeredCount = request.names.size
    return request.names
  }

  /** Pages came from `peer`, to what was {@link answered} last; `isAll` unless it could have sent more and did not. */
  helped(peer: PeerId, isAll: boolean): void {
    this.#barren = 0
    if (isAll) this.#came += this.#answeredCount
    this.#failures.set(peer, isAll ? 0 : this.#failuresOf(peer) + 1)
  }

  /** `peer` sent nothing. */
  failed(peer: PeerId): void {
    this.#barren++
    this.#failures.set(peer, this.#failuresOf(peer) + 1)
  }

  /** `peer` sent what it was not asked for, and is not asked again. */
  lied(peer: PeerId): void {
    this.failed(peer)
    this.#liars.add(peer)
  }

  /** A period has passed, each as long as the others: gives up requests that were there the last time. */
  growOld(): void {
    for (const [id, request] of this.#open) {
      if (request.isOld) {
        this.#open.delete(id)
        this.#late.set(id, request)
        this.failed(request.peer)
      }
      request.isOld = true
    }
    for (const id of [...this.#late.keys()].slice(0, -REQUESTS_LATE_MAX)) this.#late.delete(id)
    this.#cameBefore = this.#came
    this.#came = 0
  }

  /** Nobody brought anything for long, or nobody is left to ask. */
  isHopeless(peers: readonly PeerId[]): boolean {
    return peers.every((peer) => this.#liars.has(peer)) || this.#barren > ROUNDS_WITHOUT_PAGES_MAX * peers.length
  }

  /** Pages that one request may ask for. */
  #pagesMax(): number {
    const share = Math.floor((Math.max(this.#cameBefore, this.#came) * PERIOD_SHARE) / REQUESTS_MAX)
    const least = Math.max(1, Math.floor(PAGES_ASKED_FIRST / 2 ** this.#barren))
    return Math.min(Math.max(share, least), PAGES_ASKED_MAX)
  }

  #choose(peers: readonly PeerId[], first: PeerId): PeerId | undefined {
    const cost = (peer: PeerId): readonly number[] => [this.#failuresOf(peer), this.#openOf(peer), peer === first ? 0 : 1]
    return peers
      .filter((peer) => !this.#liars.has(peer))
      .map((peer) => ({ peer, cost: cost(peer) }))
      .toSorted((a, b) => compare(a.cost, b.cost))[0]?.peer
  }

  #openOf(peer: PeerId): number {
    return [...this.#open.values()].filter((request) => request.peer === peer).length
  }

  #failuresOf(peer: PeerId): number {
    return this.#failures.get(peer) ?? 0
  }
}

function compare(a: readonly number[], b: readonly number[]): number {
  for (const [index, value] of a.entries()) if (value !== b[index]) return value - (b[index] ?? 0)
  return 0
}
