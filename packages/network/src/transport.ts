/** Textual peer id, as libp2p prints it (`12D3Koo…`). Authenticated by the transport: a channel's peer cannot be forged. */
export type PeerId = string

/** A multiaddr in text form; with `/p2p/…` at the end the dialled peer's identity is checked. */
export type Address = string

/**
 * How participants reach each other. One implementation runs on libp2p, one in memory under a manual clock;
 * `testing/compliance.ts` holds both to this contract.
 */
export interface Transport {
  readonly self: PeerId
  /** Addresses this peer can be dialled at, each ending in `/p2p/<self>`. Empty for one that does not listen. */
  addresses(): readonly Address[]
  /** Peers with an open connection. */
  peers(): readonly PeerId[]
  /**
   * Connects to `address`, or returns at once when already connected to its peer.
   *
   * @throws {NetworkError} `DIAL_FAILED`, `BANNED`, `STOPPED`
   */
  dial(address: Address, options?: { readonly signal?: AbortSignal }): Promise<PeerId>
  /** Closes every connection with `peer`. */
  hangUp(peer: PeerId): Promise<void>
  /**
   * Opens a channel to a connected peer.
   *
   * @throws {NetworkError} `NOT_CONNECTED`, `UNSUPPORTED_PROTOCOL`, `BANNED`, `STOPPED`
   */
  open(peer: PeerId, protocol: Protocol, options?: { readonly signal?: AbortSignal }): Promise<Channel>
  /** Serves `protocol`: `handler` owns each inbound channel. An error it throws aborts that channel only. */
  handle(protocol: Protocol, handler: (channel: Channel) => Promise<void>): Promise<void>
  /** Closes connections with `peer` and refuses it in both directions for `durationMs`. */
  ban(peer: PeerId, durationMs: number): void
  isBanned(peer: PeerId): boolean
  /** Calls `listener` for each change of connectivity; returns a function that stops it. */
  onPeerChange(listener: (change: PeerChange) => void): () => void
  readonly gossip: Gossip
  stop(): Promise<void>
}

export interface PeerChange {
  readonly type: 'connected' | 'disconnected'
  readonly peer: PeerId
}

/** A protocol name with its version, and the bounds that go with it. */
export interface Protocol {
  /** For example `/cairn/exchange/3`. */
  readonly name: string
  /** Largest frame a peer may send; a larger one aborts the channel before it is buffered. */
  readonly frameBytesMax: number
  /** Inbound channels one peer may hold open; further ones are refused. */
  readonly channelsPerPeerMax: number
}

/**
 * A long-lived, ordered, bidirectional sequence of frames with backpressure both ways.
 * A frame is delivered whole or not at all.
 */
export interface Channel {
  readonly peer: PeerId
  readonly protocol: string
  /**
   * Sends one frame, given whole or in parts that are joined on the wire without copying.
   * The parts are kept by reference until they are sent: they must not change after the call.
   * Resolves when the peer's window has taken enough of what is queued, so a sender that awaits holds a bounded queue.
   *
   * @throws {NetworkError} `CHANNEL_CLOSED`
   */
  send(...parts: readonly Uint8Array[]): Promise<void>
  /**
   * The next frame, or `undefined` once the peer has closed its side. Its memory is the caller's own: nothing else refers to it.
   * Frames that nobody receives stay on the sender: at most one window is buffered here.
   *
   * @throws {NetworkError} `CHANNEL_CLOSED` when it was reset, `FRAME_TOO_LARGE` when the peer broke the protocol's bound
   */
  receive(): Promise<Uint8Array | undefined>
  /** Flushes and closes this side; the peer's frames can still be received. */
  close(): Promise<void>
  /** Resets both sides at once and drops what is queued. */
  abort(reason: Error): void
  /** Aborts when the channel has ended, for whatever reason. */
  readonly closed: AbortSignal
}

/** What a validator says of a message: `reject` penalises the peer that relayed it. */
export type Verdict = 'accept' | 'ignore' | 'reject'

/** Publish and subscribe on allow-listed topics. Messages are signed by their publisher; unsigned ones never arrive. */
export interface Gossip {
  /** Joins `topic`; `validator` runs before a message is delivered or relayed. */
  subscribe(topic: string, validator: GossipValidator): void
  unsubscribe(topic: string): void
  /**
   * Publishes to whoever listens; resolves also when nobody does.
   * Saying the same again within two minutes is no new message and goes nowhere.
   */
  publish(topic: string, message: Uint8Array): Promise<void>
}

/** `from` is the authenticated publisher (not the relay). Delivery is the validator's own business when it accepts. */
export type GossipValidator = (message: Uint8Array, from: PeerId) => Verdict | Promise<Verdict>
