import { Quota } from '../quota.ts'
import type { PeerId } from '../transport.ts'
import type { MemoryChannel } from './channel.ts'
import type { GossipMessage } from './gossip.ts'
import type { Pipe } from './pipe.ts'

/** What a session tells the transport that holds it. */
export interface SessionOwner {
  /** The peer wants a channel; `reply` tells it whether anybody here serves the protocol. */
  onOpen(session: Session, theirs: MemoryChannel, protocol: string, reply: (isServed: boolean) => void): void
  onGossip(message: GossipMessage, relay: PeerId): void
  onSessionEnd(session: Session): void
}

/** One peer's side of a connection. */
export class Session {
  readonly peer: PeerId
  readonly owner: SessionOwner
  /** Towards the peer. */
  readonly pipe: Pipe
  /** Channels that the peer opened, by protocol. */
  readonly inbound = new Quota()
  readonly #channels = new Set<MemoryChannel>()
  #remote: Session | undefined
  #open = true

  constructor(owner: SessionOwner, peer: PeerId, pipe: Pipe) {
    this.owner = owner
    this.peer = peer
    this.pipe = pipe
  }

  static pair(one: Session, other: Session): void {
    one.#remote = other
    other.#remote = one
  }

  get isOpen(): boolean {
    return this.#open
  }

  /** Runs `deliver` with the peer's side once `bytes` have travelled there, unless the connection is lost on the way. */
  send(bytes: number, deliver: (remote: Session) => void): void {
    this.pipe.send(bytes, () => {
      const remote = this.#remote
      if (remote?.isOpen === true) deliver(remote)
    })
  }

  track(channel: MemoryChannel): void {
    this.#channels.add(channel)
    channel.closed.addEventListener('abort', () => this.#channels.delete(channel), { once: true })
  }

  /** Ends this side at once; the peer hears of it when the news arrives. */
  close(): void {
    if (!this.#open) return
    this.send(0, (remote) => remote.lose('the peer closed the connection'))
    this.lose('the connection was closed')
  }

  /** Ends this side without a word to the other. */
  lose(reason: string): void {
    if (!this.#open) return
    this.#open = false
    for (const channel of this.#channels) channel.lose(reason)
    this.owner.onSessionEnd(this)
  }
}
