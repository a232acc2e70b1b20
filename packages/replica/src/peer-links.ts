import { decodeMessage, encodeMessage, LedgerError, type Message, MESSAGE_BYTES_MAX, PAYLOAD_BYTES_MAX } from '@cairn/ledger'
import { type CheckpointMessage, decodeCheckpointMessage, encodeCheckpointMessage } from './checkpoint-message.ts'
import type { Channel, PeerId, Protocol, Transport } from '@cairn/network'
import { QUEUE_BYTES_MAX, QUEUE_MESSAGES_MAX } from './limits.ts'

/** What travels apart, so that a payload never delays a vote: each class has a stream of its own to each peer. */
export type MessageClass = 'consensus' | 'catch-up' | 'payload' | 'checkpoint'

export interface PeerLinksInit {
  readonly transport: Transport
  /** A peer said something well-formed. */
  readonly onMessage: (from: PeerId, message: Message) => void
  readonly onCheckpoint: (message: CheckpointMessage) => void
  /** A peer sent what is no message; its stream has been closed. */
  readonly onMalformed: (from: PeerId, error: LedgerError) => void
  /** A message was left out, for its queue was full or the peer not there. */
  readonly onDropped: (to: PeerId, kind: MessageClass) => void
}

const PROTOCOLS = {
  consensus: protocol('consensus'),
  'catch-up': protocol('catch-up'),
  payload: protocol('payload'),
  checkpoint: protocol('checkpoint'),
} as const satisfies Record<MessageClass, Protocol>

/** Sends messages to peers in order, one stream for each peer and class, through bounded queues; and hands on what comes in. */
export class PeerLinks {
  readonly #init: PeerLinksInit
  readonly #links = new Map<string, Link>()
  #stopped = false

  constructor(init: PeerLinksInit) {
    this.#init = init
  }

  async start(): Promise<void> {
    const { transport, onMessage, onCheckpoint } = this.#init
    const ofEngine = (from: PeerId, frame: Uint8Array): void => onMessage(from, decodeMessage(frame))
    const { checkpoint, ...others } = PROTOCOLS
    for (const protocol of Object.values(others)) await transport.handle(protocol, (channel) => this.#receive(channel, ofEngine))
    await transport.handle(checkpoint, (channel) => this.#receive(channel, (_, frame) => onCheckpoint(decodeCheckpointMessage(frame))))
  }

  /** Puts `message` behind what waits for these peers; never waits, and never fails. */
  send(to: readonly PeerId[], message: Message): void {
    if (this.#stopped) return
    const kind = classOf(message)
    for (const part of partsOf(message)) {
      const bytes = encodeMessage(part)
      for (const peer of to) if (peer !== this.#init.transport.self) this.#link(peer, kind).push(bytes)
    }
  }

  /** As {@link send}, for what seats tell each other about checkpoints. */
  sendCheckpoint(to: readonly PeerId[], message: CheckpointMessage): void {
    if (this.#stopped) return
    const bytes = encodeCheckpointMessage(message)
    for (const peer of to) if (peer !== this.#init.transport.self) this.#link(peer, 'checkpoint').push(bytes)
  }

  stop(): void {
    this.#stopped = true
    for (const link of this.#links.values()) link.stop()
  }

  #link(peer: PeerId, kind: MessageClass): Link {
    const name = `${kind} ${peer}`
    let link = this.#links.get(name)
    if (link === undefined) {
      const { transport, onDropped } = this.#init
      link = new Link(
        () => transport.open(peer, PROTOCOLS[kind]),
        () => onDropped(peer, kind),
      )
      this.#links.set(name, link)
    }
    return link
  }

  async #receive(channel: Channel, take: (from: PeerId, frame: Uint8Array) => void): Promise<void> {
    for (let frame = await channel.receive(); frame !== undefined && !this.#stopped; frame = await channel.receive()) {
      try {
        take(channel.peer, frame)
      } catch (error) {
        if (!(error instanceof LedgerError)) throw error
        this.#init.onMalformed(channel.peer, error)
        channel.abort(error)
        return
      }
    }
  }
}

/** One direction of one class: opens its stream when there is something to send, and again after it was lost. */
class Link {
  readonly #open: () => Promise<Channel>
  readonly #dropped: () => void
  #queue: Uint8Array[] = []
  #bytes = 0
  #channel: Channel | undefined
  #sending = false
  #stopped = false

  constructor(open: () => Promise<Channel>, dropped: () => void) {
    this.#open = open
    this.#dropped = dropped
  }

  push(bytes: Uint8Array): void {
    if (this.#queue.length >= QUEUE_MESSAGES_MAX || this.#bytes + bytes.byteLength > QUEUE_BYTES_MAX) {
      this.#dropped()
      return
    }
    this.#queue.push(bytes)
    this.#bytes += bytes.byteLength
    if (!this.#sending) void this.#send()
  }

  stop(): void {
    this.#stopped = true
    this.#queue = []
    this.#channel?.abort(new Error('the replica stops'))
  }

  async #send(): Promise<void> {
    this.#sending = true
    try {
      while (this.#queue.length > 0 && !this.#stopped) {
        if (this.#channel === undefined || this.#channel.closed.aborted) this.#channel = await this.#open()
        const [next] = this.#queue
        if (next === undefined) break
        this.#queue.shift()
        this.#bytes -= next.byteLength
        await this.#channel.send(next)
      }
    } catch {
      // Not connected, or lost on the way: what waited is old by the time that the peer is back, and what matters is said again.
      for (const _ of this.#queue) this.#dropped()
      this.#queue = []
      this.#bytes = 0
      this.#channel = undefined
    }
    this.#sending = false
  }
}

function classOf({ type }: Message): Exclude<MessageClass, 'checkpoint'> {
  if (type === 'payload' || type === 'operations') return 'payload'
  return type === 'fetch' || type === 'batch' ? 'catch-up' : 'consensus'
}

/** Operations that are forwarded together may be more than one message holds. */
function partsOf(message: Message): readonly Message[] {
  if (message.type !== 'operations') return [message]
  const parts: { readonly type: 'operations'; readonly operations: (typeof message.operations)[number][] }[] = []
  let bytes = Infinity
  for (const operation of message.operations) {
    const operationBytes = 5 + Buffer.byteLength(operation.id) + operation.body.byteLength
    if (bytes + operationBytes > PAYLOAD_BYTES_MAX) {
      parts.push({ type: 'operations', operations: [] })
      bytes = 4
    }
    parts.at(-1)?.operations.push(operation)
    bytes += operationBytes
  }
  return parts
}

function protocol(name: MessageClass): Protocol {
  return { name: `/cairn/ledger/${name}/1`, frameBytesMax: MESSAGE_BYTES_MAX, channelsPerPeerMax: 2 }
}
