import type { PeerChange, PeerId } from './transport.ts'

/** The connected peers, and those who want to hear when that changes. */
export class PeerSet {
  readonly #peers = new Set<PeerId>()
  readonly #listeners = new Set<(change: PeerChange) => void>()

  has(peer: PeerId): boolean {
    return this.#peers.has(peer)
  }

  list(): readonly PeerId[] {
    return [...this.#peers]
  }

  /** Reports `connected` if `peer` was not there. */
  add(peer: PeerId): void {
    if (this.#peers.has(peer)) return
    this.#peers.add(peer)
    this.#report({ type: 'connected', peer })
  }

  /** Reports `disconnected` if `peer` was there. */
  delete(peer: PeerId): void {
    if (this.#peers.delete(peer)) this.#report({ type: 'disconnected', peer })
  }

  /** Returns a function that stops `listener`. */
  onChange(listener: (change: PeerChange) => void): () => void {
    // Wrapped, so that the same function registered twice is two listeners.
    const entry = (change: PeerChange): void => listener(change)
    this.#listeners.add(entry)
    return () => {
      this.#listeners.delete(entry)
    }
  }

  #report(change: PeerChange): void {
    for (const listener of this.#listeners) listener(change)
  }
}
