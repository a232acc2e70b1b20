import assert from 'node:assert/strict'
import { NetworkError } from '../errors.ts'
import { Inbox } from '../inbox.ts'
import type { Channel, PeerId, Protocol } from '../transport.ts'
import type { Pipe } from './pipe.ts'

interface ChannelInit {
  readonly peer: PeerId
  readonly protocol: Protocol
  /** Towards the peer. */
  readonly pipe: Pipe
  readonly windowBytes: number
}

/** One end of a channel in memory; {@link MemoryChannel.pair} joins it to the other. */
export class MemoryChannel implements Channel {
  readonly peer: PeerId
  readonly protocol: string
  readonly #frameBytesMax: number
  readonly #pipe: Pipe
  readonly #windowBytes: number
  readonly #closed = new AbortController()
  readonly #arrived: Uint8Array[] = []
  readonly #inbox = new Inbox(() => this.#take())
  /** Frames that wait for the peer's window, in order; a close waits behind them. */
  readonly #queued: { readonly frame: Uint8Array | 'close'; readonly settle: (error?: Error) => void }[] = []
  #other: MemoryChannel | undefined
  /** Bytes under way to the peer or in its hands and not received. */
  #unreceivedBytes = 0
  #sending: 'open' | 'closing' | 'closed' = 'open'
  #receiving: 'open' | 'closed' = 'open'

  constructor(init: ChannelInit) {
    this.peer = init.peer
    this.protocol = init.protocol.name
    this.#frameBytesMax = init.protocol.frameBytesMax
    this.#pipe = init.pipe
    this.#windowBytes = init.windowBytes
  }

  static pair(one: MemoryChannel, other: MemoryChannel): void {
    one.#other = other
    other.#other = one
  }

  get closed(): AbortSignal {
    return this.#closed.signal
  }

  send(...parts: readonly Uint8Array[]): Promise<void> {
    if (this.#sending !== 'open') return Promise.reject(this.#closedError('this side has closed'))
    const bytes = parts.reduce((sum, part) => sum + part.byteLength, 0)
    assert(bytes <= this.#frameBytesMax, `a frame of ${this.protocol} has at most ${this.#frameBytesMax} bytes`)
    // A copy: on a real network the two sides never share memory.
    return this.#enqueue(new Uint8Array(Buffer.concat(parts)))
  }

  receive(): Promise<Uint8Array | undefined> {
    return this.#inbox.receive()
  }

  async close(): Promise<void> {
    if (this.#sending !== 'open') return
    this.#sending = 'closing'
    await this.#enqueue('close')
  }

  abort(reason: Error): void {
    if (this.#closed.signal.aborted) return
    this.#end(new NetworkError({ code: 'CHANNEL_CLOSED', peer: this.peer, reason: `aborted: ${reason.message}` }, { cause: reason }))
    this.#tell(0, (other) => other.lose('the peer reset it'))
  }

  /** Ends this side without a word to the other: the connection is gone, or the other side has said so. */
  lose(reason: string): void {
    if (!this.#closed.signal.aborted) this.#end(this.#closedError(reason))
  }

  #enqueue(frame: Uint8Array | 'close'): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#queued.push({ frame, settle: (error) => (error === undefined ? resolve() : reject(error)) })
      this.#flush()
    })
  }

  #flush(): void {
    while (this.#queued.length > 0 && this.#unreceivedBytes < this.#windowBytes) {
      const { frame, settle } = this.#queued.shift()!
      if (frame === 'close') {
        this.#sending = 'closed'
        this.#tell(0, (other) => other.#onPeerClosed())
        this.#endIfBothClosed()
      } else {
        this.#unreceivedBytes += frame.byteLength
        this.#tell(frame.byteLength, (other) => other.#onFrame(frame))
      }
      settle()
    }
  }

  #onFrame(frame: Uint8Array): void {
    if (this.#closed.signal.aborted) return
    if (frame.byteLength > this.#frameBytesMax) {
      this.#end(new NetworkError({ code: 'FRAME_TOO_LARGE', peer: this.peer, bytes: frame.byteLength, bytesMax: this.#frameBytesMax }))
      this.#tell(0, (other) => other.lose('the peer reset it'))
      return
    }
    this.#arrived.push(frame)
    this.#inbox.deliver()
  }

  #onPeerClosed(): void {
    this.#receiving = 'closed'
    this.#inbox.end()
    this.#endIfBothClosed()
  }

  #onCredit(bytes: number): void {
    this.#unreceivedBytes -= bytes
    this.#flush()
  }

  #take(): Uint8Array | undefined {
    const frame = this.#arrived.shift()
    if (frame === undefined) return undefined
    // Its receiver may have freed it by the time the credit arrives.
    const { byteLength } = frame
    this.#tell(0, (other) => other.#onCredit(byteLength))
    return frame
  }

  /** Runs `effect` at the other end once `bytes` have travelled there. */
  #tell(bytes: number, effect: (other: MemoryChannel) => void): void {
    this.#pipe.send(bytes, () => {
      if (this.#other !== undefined) effect(this.#other)
    })
  }

  #endIfBothClosed(): void {
    if (this.#sending === 'closed' && this.#receiving === 'closed') this.#closed.abort(this.#closedError('both sides have closed'))
  }

  #end(error: NetworkError): void {
    this.#sending = 'closed'
    this.#receiving = 'closed'
    this.#arrived.length = 0
    this.#inbox.fail(error)
    for (const { settle } of this.#queued.splice(0)) settle(error)
    this.#closed.abort(error)
  }

  #closedError(reason: string): NetworkError {
    return new NetworkError({ code: 'CHANNEL_CLOSED', peer: this.peer, reason })
  }
}
