import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import type { Clock, Log } from '@cairn/runtime'
import { GOSSIP_MESSAGE_BYTES_MAX, GOSSIP_SEEN_MS } from '../limits.ts'
import type { Gossip, GossipValidator, PeerId } from '../transport.ts'

/** A publication on its way from peer to peer. `from` is its publisher, whom nobody can impersonate here. */
export interface GossipMessage {
  readonly topic: string
  readonly from: PeerId
  readonly bytes: Uint8Array
}

interface MemoryGossipInit {
  readonly self: PeerId
  readonly clock: Clock
  readonly log: Log
  /** Sends to every connected peer except `except`. */
  readonly flood: (message: GossipMessage, except: PeerId | undefined) => void
}

/** Flooding: each accepted message goes once to every neighbour that it did not come from. */
export class MemoryGossip implements Gossip {
  readonly #init: MemoryGossipInit
  readonly #validators = new Map<string, GossipValidator>()
  /** Hash of topic, publisher and content to the time it may be forgotten, oldest first. */
  readonly #seen = new Map<string, number>()

  constructor(init: MemoryGossipInit) {
    this.#init = init
  }

  subscribe(topic: string, validator: GossipValidator): void {
    this.#validators.set(topic, validator)
  }

  unsubscribe(topic: string): void {
    this.#validators.delete(topic)
  }

  publish(topic: string, message: Uint8Array): Promise<void> {
    assert(message.byteLength <= GOSSIP_MESSAGE_BYTES_MAX, `a gossip message has at most ${GOSSIP_MESSAGE_BYTES_MAX} bytes`)
    const published: GossipMessage = { topic, from: this.#init.self, bytes: message.slice() }
    if (this.#remember(published)) this.#init.flood(published, undefined)
    return Promise.resolve()
  }

  /** Takes a message that `relay` passed on; rejected ones go no further. */
  onMessage(message: GossipMessage, relay: PeerId): void {
    const validator = this.#validators.get(message.topic)
    if (validator === undefined || message.from === this.#init.self || !this.#remember(message)) return
    void this.#validate(validator, message, relay)
  }

  async #validate(validator: GossipValidator, message: GossipMessage, relay: PeerId): Promise<void> {
    try {
      const verdict = await validator(message.bytes.slice(), message.from)
      if (verdict === 'accept') this.#init.flood(message, relay)
    } catch (error) {
      this.#init.log.error('gossip-validator-failed', { topic: message.topic, error: String(error) })
    }
  }

  /** False if the same publisher said the same on the topic a short while ago. */
  #remember(message: GossipMessage): boolean {
    const nowMs = this.#init.clock.monotonicMs()
    for (const [old, forgetAtMs] of this.#seen) {
      if (forgetAtMs > nowMs) break
      this.#seen.delete(old)
    }
    const id = createHash('sha256').update(`${message.topic}\0${message.from}\0`).update(message.bytes).digest('base64')
    if (this.#seen.has(id)) return false
    this.#seen.set(id, nowMs + GOSSIP_SEEN_MS)
    return true
  }
}
