import type { Channel, PeerId } from '@cairn/network'
import {
  type CID,
  decodeExchange,
  encodeData,
  encodeExchange,
  FRAME_BYTES_MAX,
  type Position,
  ProtocolError,
  type RefuseCode,
  SLICE_BYTES_MAX,
} from '@cairn/protocol'
import type { ByteSemaphore, Clock } from '@cairn/runtime'
import type { BlockSource } from '@cairn/storage'
import { BLOCKS_QUEUED_PER_CHANNEL_MAX, SERVING_STALL_MS } from '../limits.ts'

export interface ExchangeServerComponents {
  readonly clock: Clock
  readonly source: BlockSource
  /** Shared by all channels: bounds the bytes loaded to be sent. */
  readonly loaded: ByteSemaphore
  readonly onServed: (peer: PeerId, frameBytes: number) => void
  readonly onUnavailable: (cid: CID, reason: string) => void
}

interface QueuedBlock {
  readonly id: number
  readonly position: number
  readonly cid: CID
  /** When its answer ceases to be of use. */
  readonly untilMs: number
  cancelled: boolean
}

/**
 * Serves one inbound bulk channel until the peer closes it.
 *
 * Two loops: one reads requests and stops reading while the queue is full, one sends blocks in the order asked and looks
 * between two slices whether the block was cancelled. A peer that does not take a slice within {@link SERVING_STALL_MS} is cut off.
 */
export async function serveExchange(channel: Channel, components: ExchangeServerComponents): Promise<void> {
  const session = new ServingSession(channel, components)
  await Promise.all([session.readRequests(), session.sendBlocks()])
}

class ServingSession {
  readonly #channel: Channel
  readonly #components: ExchangeServerComponents
  readonly #queue: QueuedBlock[] = []
  #current: QueuedBlock | undefined
  #ended = false
  #wake: (() => void)[] = []

  constructor(channel: Channel, components: ExchangeServerComponents) {
    this.#channel = channel
    this.#components = components
  }

  async readRequests(): Promise<void> {
    try {
      for (;;) {
        while (this.#queue.length >= BLOCKS_QUEUED_PER_CHANNEL_MAX && !this.#channel.closed.aborted) await this.#changed()
        const bytes = await this.#channel.receive()
        if (bytes === undefined) return
        const message = decodeExchange(bytes)
        if (message.type === 'want') {
          const untilMs = this.#components.clock.monotonicMs() + message.deadlineMs
          for (const [position, cid] of message.cids.entries())
            this.#queue.push({ id: message.id, position, cid, untilMs, cancelled: false })
        } else if (message.type === 'cancel') {
          this.#cancel(message.id, message.position)
        } else {
          throw new ProtocolError({ code: 'MALFORMED', what: 'exchange', reason: `${message.type} sent to a server` })
        }
        this.#notify()
      }
    } finally {
      this.#ended = true
      this.#notify()
    }
  }

  async sendBlocks(): Promise<void> {
    for (;;) {
      const block = this.#queue.shift()
      this.#notify()
      if (block === undefined) {
        if (this.#ended) break
        await this.#changed()
        continue
      }
      this.#current = block
      await this.#sendBlock(block)
      this.#current = undefined
    }
    await this.#channel.close()
  }

  async #sendBlock(block: QueuedBlock): Promise<void> {
    const { source, loaded, clock } = this.#components
    if (block.cancelled) return this.#refuse(block, 'CANCELLED')
    if (clock.monotonicMs() > block.untilMs) return this.#refuse(block, 'BUSY')
    if (!source.has(block.cid)) return this.#refuse(block, 'NOT_FOUND')
    const release = await loaded.acquire(FRAME_BYTES_MAX)
    try {
      let frame: Uint8Array | undefined
      try {
        frame = await source.get(block.cid)
      } catch (error) {
        this.#components.onUnavailable(block.cid, error instanceof Error ? error.message : String(error))
      }
      if (frame === undefined) return await this.#refuse(block, 'NOT_FOUND')
      // A slow reader holds what its block takes, not what the largest would: others are not kept waiting by it.
      release(frame.byteLength)
      await this.#sendFrame(block, frame)
    } finally {
      release()
    }
  }

  async #sendFrame(block: QueuedBlock, frame: Uint8Array): Promise<void> {
    for (let offset = 0; offset < frame.byteLength; offset += SLICE_BYTES_MAX) {
      if (block.cancelled) return this.#refuse(block, 'CANCELLED')
      const slice = frame.subarray(offset, offset + SLICE_BYTES_MAX)
      await this.#send(...encodeData({ type: 'data', id: block.id, position: block.position, offset, total: frame.byteLength, slice }))
    }
    this.#components.onServed(this.#channel.peer, frame.byteLength)
  }

  #refuse(block: QueuedBlock, code: RefuseCode): Promise<void> {
    return this.#send(encodeExchange({ type: 'refuse', id: block.id, position: block.position, code }))
  }

  async #send(...parts: readonly Uint8Array[]): Promise<void> {
    const timer = this.#components.clock.setTimer(SERVING_STALL_MS, () => {
      this.#channel.abort(new Error(`${this.#channel.peer} took no byte for ${SERVING_STALL_MS / 1000} s`))
    })
    try {
      await this.#channel.send(...parts)
    } finally {
      timer.cancel()
    }
  }

  #cancel(id: number, position: Position): void {
    for (const block of this.#current === undefined ? this.#queue : [this.#current, ...this.#queue]) {
      if (block.id === id && (position === 'all' || block.position === position)) block.cancelled = true
    }
  }

  /** Resolves at the next change of the queue or of the channel. */
  #changed(): Promise<void> {
    return new Promise((resolve) => {
      this.#wake.push(resolve)
    })
  }

  #notify(): void {
    const wake = this.#wake
    this.#wake = []
    for (const resolve of wake) resolve()
  }
}
