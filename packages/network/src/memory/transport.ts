import type { Clock, Log } from '@cairn/runtime'
import { BanList } from '../ban-list.ts'
import { NetworkError } from '../errors.ts'
import { PeerSet } from '../peer-set.ts'
import type { Address, Channel, PeerChange, PeerId, Protocol, Transport } from '../transport.ts'
import { MemoryChannel } from './channel.ts'
import { type GossipMessage, MemoryGossip } from './gossip.ts'
import type { Session, SessionOwner } from './session.ts'

interface MemoryTransportInit {
  readonly self: PeerId
  /** Connects this transport to whoever is at `target`. */
  readonly connect: (dialer: MemoryTransport, address: Address, target: MemoryTarget) => Promise<PeerId>
  readonly clock: Clock
  readonly log: Log
  readonly windowBytes: number
  readonly listens: boolean
}

interface Service {
  readonly protocol: Protocol
  readonly handler: (channel: Channel) => Promise<void>
}

/** A {@link Transport} whose network is a {@link MemoryNetwork}. */
export class MemoryTransport implements Transport, SessionOwner {
  readonly self: PeerId
  readonly gossip: MemoryGossip
  readonly #init: MemoryTransportInit
  readonly #bans: BanList
  readonly #peers = new PeerSet()
  readonly #sessions = new Map<PeerId, Session>()
  readonly #dialing = new Map<Address, Promise<PeerId>>()
  readonly #services = new Map<string, Service>()
  #stopped = false

  constructor(init: MemoryTransportInit) {
    this.self = init.self
    this.#init = init
    this.#bans = new BanList(init.clock)
    this.gossip = new MemoryGossip({
      self: init.self,
      clock: init.clock,
      log: init.log,
      flood: (message, except) => this.#flood(message, except),
    })
  }

  get isListening(): boolean {
    return this.#init.listens && !this.#stopped
  }

  addresses(): readonly Address[] {
    return this.isListening ? [memoryAddress(this.self)] : []
  }

  peers(): readonly PeerId[] {
    return this.#peers.list()
  }

  async dial(address: Address, options?: { readonly signal?: AbortSignal }): Promise<PeerId> {
    if (this.#stopped) throw new NetworkError({ code: 'STOPPED' })
    options?.signal?.throwIfAborted()
    const target = parseMemoryAddress(address)
    if (this.#bans.has(target.peer)) throw new NetworkError({ code: 'BANNED', peer: target.peer })
    if (this.#sessions.has(target.peer)) return target.peer
    let dialing = this.#dialing.get(address)
    if (dialing === undefined) {
      dialing = this.#init.connect(this, address, target).finally(() => this.#dialing.delete(address))
      this.#dialing.set(address, dialing)
    }
    return unlessAborted(dialing, options?.signal)
  }

  hangUp(peer: PeerId): Promise<void> {
    this.#sessions.get(peer)?.close()
    return Promise.resolve()
  }

  async open(peer: PeerId, protocol: Protocol, options?: { readonly signal?: AbortSignal }): Promise<Channel> {
    if (this.#stopped) throw new NetworkError({ code: 'STOPPED' })
    options?.signal?.throwIfAborted()
    if (this.#bans.has(peer)) throw new NetworkError({ code: 'BANNED', peer })
    const session = this.#sessions.get(peer)
    if (session === undefined) throw new NetworkError({ code: 'NOT_CONNECTED', peer })
    const channel = this.#createChannel(session, protocol)
    const opened = new Promise<Channel>((resolve, reject) => {
      channel.closed.addEventListener('abort', () => reject(new NetworkError({ code: 'NOT_CONNECTED', peer })), { once: true })
      const onReply = (isServed: boolean): void => {
        if (isServed) resolve(channel)
        else reject(new NetworkError({ code: 'UNSUPPORTED_PROTOCOL', peer, protocol: protocol.name }))
      }
      session.send(0, (remote) => {
        remote.owner.onOpen(remote, channel, protocol.name, (isServed) => remote.send(0, () => onReply(isServed)))
      })
    })
    try {
      return await unlessAborted(opened, options?.signal)
    } catch (error) {
      channel.abort(error instanceof Error ? error : new Error('not opened'))
      throw error
    }
  }

  handle(protocol: Protocol, handler: (channel: Channel) => Promise<void>): Promise<void> {
    this.#services.set(protocol.name, { protocol, handler })
    return Promise.resolve()
  }

  ban(peer: PeerId, durationMs: number): void {
    this.#bans.add(peer, durationMs)
    this.#sessions.get(peer)?.close()
  }

  isBanned(peer: PeerId): boolean {
    return this.#bans.has(peer)
  }

  onPeerChange(listener: (change: PeerChange) => void): () => void {
    return this.#peers.onChange(listener)
  }

  stop(): Promise<void> {
    this.#stopped = true
    for (const session of this.#sessions.values()) session.close()
    return Promise.resolve()
  }

  /** Takes its side of a new connection; false if it is no longer there to do so. */
  accept(session: Session): boolean {
    if (this.#stopped) return false
    this.#sessions.set(session.peer, session)
    this.#peers.add(session.peer)
    return true
  }

  /** The connection with `peer`, if there is one. */
  session(peer: PeerId): Session | undefined {
    return this.#sessions.get(peer)
  }

  onSessionEnd(session: Session): void {
    if (this.#sessions.get(session.peer) !== session) return
    this.#sessions.delete(session.peer)
    this.#peers.delete(session.peer)
  }

  onOpen(session: Session, theirs: MemoryChannel, protocol: string, reply: (isServed: boolean) => void): void {
    const service = this.#services.get(protocol)
    reply(service !== undefined)
    if (service === undefined) return
    const ours = this.#createChannel(session, service.protocol)
    MemoryChannel.pair(ours, theirs)
    if (!session.inbound.take(protocol, service.protocol.channelsPerPeerMax, ours.closed)) {
      // Opened and then reset, which is what the bound looks like from outside on libp2p too.
      ours.abort(new Error('too many channels'))
      return
    }
    void this.#serve(service, ours)
  }

  onGossip(message: GossipMessage, relay: PeerId): void {
    this.gossip.onMessage(message, relay)
  }

  async #serve(service: Service, channel: MemoryChannel): Promise<void> {
    try {
      await service.handler(channel)
    } catch (error) {
      this.#init.log.warn('channel-handler-failed', { peer: channel.peer, protocol: channel.protocol, error: String(error) })
      channel.abort(error instanceof Error ? error : new Error(String(error)))
    }
  }

  #createChannel(session: Session, protocol: Protocol): MemoryChannel {
    const { windowBytes } = this.#init
    const channel = new MemoryChannel({ peer: session.peer, protocol, pipe: session.pipe, windowBytes })
    session.track(channel)
    return channel
  }

  #flood(message: GossipMessage, except: PeerId | undefined): void {
    for (const session of this.#sessions.values()) {
      if (session.peer === except || session.peer === message.from) continue
      session.send(message.bytes.byteLength, (remote) => remote.owner.onGossip(message, this.self))
    }
  }
}

function memoryAddress(peer: PeerId): Address {
  return `/memory/${peer}/p2p/${peer}`
}

/** Where an address leads, and who is expected there. */
export interface MemoryTarget {
  readonly host: string
  readonly peer: PeerId
}

/** @throws {NetworkError} `BAD_ADDRESS` */
function parseMemoryAddress(address: Address): MemoryTarget {
  const match = /^\/memory\/([^/]+)(?:\/p2p\/([^/]+))?$/.exec(address)
  if (match === null) throw new NetworkError({ code: 'BAD_ADDRESS', address })
  return { host: match[1]!, peer: match[2] ?? match[1]! }
}

/** As `promise`, or the signal's reason if it aborts first. */
function unlessAborted<Value>(promise: Promise<Value>, signal: AbortSignal | undefined): Promise<Value> {
  if (signal === undefined) return promise
  return new Promise((resolve, reject) => {
    const onAbort = (): void => reject(signal.reason)
    signal.addEventListener('abort', onAbort, { once: true })
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', onAbort))
  })
}
