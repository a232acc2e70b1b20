import {
  type Committee,
  decodeMessage,
  encodeMessage,
  LedgerError,
  type Message,
  MESSAGE_BYTES_MAX,
  PAYLOAD_BYTES_MAX,
} from '@cairn/ledger'
import { type CheckpointMessage, decodeCheckpointMessage, encodeCheckpointMessage } from './checkpoint-message.ts'
import type { Channel, PeerId, Protocol, Transport } from '@cairn/network'
import { decodeEpochMessage, encodeEpochMessage, type EpochMessage } from './epochs/epoch-message.ts'
import { decodeReadMessage, encodeReadMessage, type ReadMessage } from './read/read-message.ts'
import { decodeSnapshotMessage, encodeSnapshotMessage, type SnapshotMessage } from './snapshot/snapshot-message.ts'
import { QUEUE_BYTES_MAX, QUEUE_MESSAGES_MAX } from './limits.ts'

/** What travels apart, so that a payload never delays a vote: each class has a stream of its own to each peer. */
export type MessageClass = 'consensus' | 'catch-up' | 'payload' | 'checkpoint' | 'read' | 'epoch' | 'snapshot'

export interface PeerLinksInit {
  readonly transport: Transport
  /** A peer said something well-formed. */
  readonly onMessage: (from: PeerId, message: Message) => void
  readonly onCheckpoint: (message: CheckpointMessage) => void
  readonly onRead: (from: PeerId, message: ReadMessage) => void
  readonly onSnapshot: (from: PeerId, message: SnapshotMessage) => void
  readonly onEpoch: (from: PeerId, message: EpochMessage) => void
  /** A peer sent what is no message; its stream has been closed. */
  readonly onMalformed: (from: PeerId, error: LedgerError) => void
  /** A message was left out, for its queue was full or the peer not there. */
  readonly onDropped: (to: PeerId, kind: MessageClass) => void
  /** A frame went to or came from a peer. */
  readonly onTraffic?: (direction: 'sent' | 'received', kind: MessageClass, bytes: number) => void
}

/** Messages and bytes that wait for peers, by class. */
export type LinksLoad = Readonly<Record<MessageClass, { readonly messages: number; readonly bytes: number }>>

const PROTOCOLS = {
  consensus: protocol('consensus'),
  'catch-up': protocol('catch-up'),
  payload: protocol('payload'),
  checkpoint: protocol('checkpoint'),
  read: protocol('read'),
  snapshot: protocol('snapshot'),
  epoch: protocol('epoch'),
} as const satisfies Record<MessageClass, Protocol>
const CLASSES = Object.keys(PROTOCOLS) as readonly MessageClass[]

/** Sends messages to peers in order, one stream for each peer and class, through bounded queues; and hands on what comes in. */
export class PeerLinks {
  readonly #init: PeerLinksInit
  readonly #links = new Map<string, Link>()
  #stopped = false
  #sentCount = 0

  constructor(init: PeerLinksInit) {
    this.#init = init
  }

  /** Messages handed to peers, each peer counted. */
  get sentCount(): number {
    return this.#sentCount
  }

  async start(): Promise<void> {
    const { transport, onMessage, onCheckpoint, onRead, onEpoch, onSnapshot } = this.#init
    const ofEngine = (from: PeerId, frame: Uint8Array): void => onMessage(from, decodeMessage(frame))
    const ofCheckpoints = (_: PeerId, frame: Uint8Array): void => onCheckpoint(decodeCheckpointMessage(frame))
    const ofReads = (from: PeerId, frame: Uint8Array): void => onRead(from, decodeReadMessage(frame))
    const takes = {
      consensus: ofEngine,
      'catch-up': ofEngine,
      payload: ofEngine,
      checkpoint: ofCheckpoints,
      read: ofReads,
      epoch: (from: PeerId, frame: Uint8Array): void => onEpoch(from, decodeEpochMessage(frame)),
      snapshot: (from: PeerId, frame: Uint8Array): void => onSnapshot(from, decodeSnapshotMessage(frame)),
    }
    for (const kind of CLASSES) await transport.handle(PROTOCOLS[kind], (channel) => this.#receive(channel, kind, takes[kind]))
  }

  /** What waits now. */
  get load(): LinksLoad {
    const load: Record<MessageClass, { messages: number; bytes: number }> = {
      consensus: { messages: 0, bytes: 0 },
      'catch-up': { messages: 0, bytes: 0 },
      payload: { messages: 0, bytes: 0 },
      checkpoint: { messages: 0, bytes: 0 },
      read: { messages: 0, bytes: 0 },
      snapshot: { messages: 0, bytes: 0 },
      epoch: { messages: 0, bytes: 0 },
    }
    for (const { kind, queued } of this.#links.values()) {
      load[kind].messages += queued.messages
      load[kind].bytes += queued.bytes
    }
    return load
  }

  /** Puts `message` behind what waits for these peers; never waits, and never fails. */
  send(to: readonly PeerId[], message: Message): void {
    if (this.#stopped) return
    for (const part of partsOf(message)) this.#sendBytes(to, classOf(message), encodeMessage(part))
  }

  /** As {@link send}, if there is an answer. */
  answer(to: PeerId, message: Message | undefined): void {
    if (message !== undefined) this.send([to], message)
  }

  /** As {@link send}, for what seats tell each other about checkpoints. */
  sendCheckpoint({ members }: Pick<Committee, 'members'>, message: CheckpointMessage): void {
    const peers = members.map(({ peer }) => peer)
    this.#sendBytes(peers, 'checkpoint', encodeCheckpointMessage(message))
  }

  /** As {@link send}, for what readers ask. */
  sendRead(to: readonly PeerId[], message: ReadMessage): void {
    this.#sendBytes(to, 'read', encodeReadMessage(message))
  }

  /** As {@link send}, for what gets those on that are late. */
  sendSnapshot(to: PeerId, message: SnapshotMessage): void {
    this.#sendBytes([to], 'snapshot', encodeSnapshotMessage(message))
  }

  /** As {@link send}, for what is known of epochs that ended. */
  sendEpoch(to: readonly PeerId[], message: EpochMessage): void {
    this.#sendBytes(to, 'epoch', encodeEpochMessage(message))
  }

  #sendBytes(to: readonly PeerId[], kind: MessageClass, bytes: Uint8Array): void {
    if (this.#stopped) return
    for (const peer of to) if (peer !== this.#init.transport.self) this.#link(peer, kind).push(bytes)
  }

  stop(): void {
    this.#stopped = true
    for (const link of this.#links.values()) link.stop()
  }

  #link(peer: PeerId, kind: MessageClass): Link {
    this.#sentCount++
    const name = `${kind} ${peer}`
    let link = this.#links.get(name)
    if (link === undefined) {
      const { transport, onDropped, onTraffic } = this.#init
      link = new Link({
        kind,
        open: () => transport.open(peer, PROTOCOLS[kind]),
        onDropped: () => onDropped(peer, kind),
        onSent: (bytes) => onTraffic?.('sent', kind, bytes),
      })
      this.#links.set(name, link)
    }
    return link
  }

  async #receive(channel: Channel, kind: MessageClass, take: (from: PeerId, frame: Uint8Array) => void): Promise<void> {
    for (let frame = await channel.receive(); frame !== undefined && !this.#stopped; frame = await channel.receive()) {
      this.#init.onTraffic?.('received', kind, frame.byteLength)
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

interface LinkInit {
  readonly kind: MessageClass
  readonly open: () => Promise<Channel>
  readonly onDropped: () => void
  readonly onSent: (bytes: number) => void
}

/** One direction of one class: opens its stream when there is something to send, and again after it was lost. */
class Link {
  readonly kind: MessageClass
  readonly #init: LinkInit
  #queue: Uint8Array[] = []
  #bytes = 0
  #channel: Channel | undefined
  #sending = false
  #stopped = false

  constructor(init: LinkInit) {
    this.kind = init.kind
    this.#init = init
  }

  get queued(): { readonly messages: number; readonly bytes: number } {
    return { messages: this.#queue.length, bytes: this.#bytes }
  }

  push(bytes: Uint8Array): void {
    if (this.#queue.length >= QUEUE_MESSAGES_MAX || this.#bytes + bytes.byteLength > QUEUE_BYTES_MAX) {
      this.#init.onDropped()
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
        if (this.#channel === undefined || this.#channel.closed.aborted) this.#channel = await this.#init.open()
        const [next] = this.#queue
        if (next === undefined) break
        this.#queue.shift()
        this.#bytes -= next.byteLength
        await this.#channel.send(next)
        this.#init.onSent(next.byteLength)
      }
    } catch {
      // Not connected, or lost on the way: what waited is old by the time that the peer is back, and what matters is said again.
      for (const _ of this.#queue) this.#init.onDropped()
      this.#queue = []
      this.#bytes = 0
      this.#channel = undefined
    }
    this.#sending = false
  }
}

function classOf({ type }: Message): Exclude<MessageClass, 'checkpoint' | 'read' | 'epoch' | 'snapshot'> {
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
