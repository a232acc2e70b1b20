import assert from 'node:assert/strict'
import type { Stream, StreamCloseEvent, StreamMessageEvent } from '@libp2p/interface'
import { Uint8ArrayList } from 'uint8arraylist'
import { NetworkError } from '../errors.ts'
import { FrameReader, frameHeader } from '../framing.ts'
import { Inbox } from '../inbox.ts'
import { RECEIVE_BUFFER_BYTES } from '../limits.ts'
import type { Channel, PeerId, Protocol } from '../transport.ts'
import type { Turns, TurnTaker } from './turns.ts'

interface StreamChannelInit {
  readonly stream: Stream
  /** Of the stream's connection. */
  readonly turns: Turns
  readonly peer: PeerId
  readonly protocol: Protocol
}

/**
 * A channel on a libp2p stream.
 *
 * The stream's own conveniences are not used, because in the releases we pin they apply no backpressure:
 * its async iterator never pauses, and the promise of `onDrain()` stays resolved after the first drain.
 */
export class StreamChannel implements Channel, TurnTaker {
  readonly peer: PeerId
  readonly protocol: string
  readonly #stream: Stream
  readonly #frameBytesMax: number
  readonly #reader: FrameReader
  readonly #inbox = new Inbox(() => this.#take())
  readonly #closed = new AbortController()
  readonly #turns: Turns
  /** Frames for which the stream has no room, in order; a close waits behind them. */
  readonly #queued: {
    readonly frame: Uint8ArrayList | 'close'
    readonly resolve: () => void
    readonly reject: (reason: Error) => void
  }[] = []
  #failure: NetworkError | undefined
  #closing: Promise<void> | undefined
  /** The peer has said that it will send no more, which a lost connection does not. */
  #peerClosed: boolean
  /** Everything that the peer sent before it closed is in the reader. */
  #arrivedAll = false
  #resuming = false

  constructor({ stream, turns, peer, protocol }: StreamChannelInit) {
    this.peer = peer
    this.protocol = protocol.name
    this.#stream = stream
    this.#turns = turns
    this.#frameBytesMax = protocol.frameBytesMax
    this.#reader = new FrameReader({ peer, frameBytesMax: protocol.frameBytesMax })
    this.#peerClosed = stream.remoteWriteStatus === 'closed'

    stream.addEventListener('drain', this.#onDrain)
    stream.addEventListener('remoteCloseWrite', this.#onRemoteCloseWrite)
    stream.addEventListener('end', this.#onEnd)
    stream.addEventListener('close', this.#onClose)
    stream.addEventListener('message', this.#onMessage)
    if (stream.readableEnded) this.#onEnd()
    if (stream.status !== 'open') this.#fail('the connection was lost')
  }

  get closed(): AbortSignal {
    return this.#closed.signal
  }

  send(...parts: readonly Uint8Array[]): Promise<void> {
    if (this.#failure !== undefined) return Promise.reject(this.#failure)
    if (this.#closing !== undefined) return Promise.reject(this.#closedError('this side has closed'))
    let bytes = 0
    for (const part of parts) bytes += part.byteLength
    assert(bytes <= this.#frameBytesMax, `a frame of ${this.protocol} has at most ${this.#frameBytesMax} bytes`)
    // One call for the header and the parts: one yamux frame, and as few records of the cipher as fit.
    return this.#write(new Uint8ArrayList(frameHeader(bytes), ...parts))
  }

  receive(): Promise<Uint8Array | undefined> {
    const frame = this.#inbox.receive()
    this.#regulate()
    return frame
  }

  async close(): Promise<void> {
    if (this.#failure !== undefined) return
    this.#closing ??= this.#write('close').then(() => this.#stream.close())
    try {
      await this.#closing
    } catch (error) {
      throw this.#failure ?? this.#closedError('the connection was lost', error)
    }
  }

  abort(reason: Error): void {
    if (this.#closed.signal.aborted) return
    this.#end(this.#closedError(`aborted: ${reason.message}`, reason))
    this.#stream.abort(reason)
  }

  // Sending

  /** Whether the stream takes more; what it cannot pass on at once it queues, so at most one frame is given to a blocked one. */
  canWrite(): boolean {
    return !this.#stream.writableNeedsDrain
  }

  writeNext(): boolean {
    const next = this.#queued.shift()
    if (next === undefined) return false
    try {
      if (next.frame !== 'close') this.#stream.send(next.frame)
      next.resolve()
    } catch (error) {
      next.reject(this.#closedError('the connection was lost', error))
    }
    return this.#queued.length > 0
  }

  /** Resolves when `frame` is the stream's, after everything that was written earlier. */
  #write(frame: Uint8ArrayList | 'close'): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#queued.push({ frame, resolve, reject })
      if (this.#queued.length > 1) return
      if (this.canWrite()) this.writeNext()
      else this.#turns.enter(this)
    })
  }

  readonly #onDrain = (): void => this.#turns.onDrain()

  // Receiving

  readonly #onMessage = (event: StreamMessageEvent): void => {
    if (event.data instanceof Uint8Array) this.#reader.push(event.data)
    else for (const part of event.data) this.#reader.push(part)
    this.#inbox.deliver()
    this.#regulate()
  }

  #take(): Uint8Array | undefined {
    if (this.#failure !== undefined) return undefined
    try {
      const frame = this.#reader.next()
      if (frame === undefined && this.#arrivedAll && this.#reader.isTruncated) this.#fail('the peer closed it inside a frame')
      return frame
    } catch (error) {
      this.#abortWith(error)
      return undefined
    }
  }

  /** Stops reading while enough whole frames wait here, and goes on when few do. */
  #regulate(): void {
    if (this.#resuming || this.#failure !== undefined) return
    if (!this.#isFull(RECEIVE_BUFFER_BYTES / 2) && this.#stream.readStatus === 'paused') {
      // Resuming hands over what the stream holds and only then reopens the window. Pausing from inside the
      // hand-over would be undone by that, and the stream would fill until it is reset; hence the flag.
      this.#resuming = true
      this.#stream.resume()
      this.#resuming = false
    }
    if (this.#isFull(RECEIVE_BUFFER_BYTES) && this.#stream.readStatus === 'readable') this.#stream.pause()
  }

  /** Whether more than `bytes` wait; may find that the channel has to end. Bytes of a frame that is not whole do not count: it could never become so. */
  #isFull(bytes: number): boolean {
    try {
      return this.#reader.bufferedBytes > bytes && this.#reader.hasFrame()
    } catch (error) {
      this.#abortWith(error)
      return false
    }
  }

  // Ends

  readonly #onRemoteCloseWrite = (): void => {
    this.#peerClosed = true
  }

  readonly #onEnd = (): void => {
    if (!this.#peerClosed) return
    this.#arrivedAll = true
    this.#inbox.end()
  }

  readonly #onClose = (event: StreamCloseEvent): void => {
    if (event.error !== undefined) this.#fail(event.local === true ? event.error.message : 'the peer reset it', event.error)
    else if (this.#peerClosed) this.#endSending(this.#closedError('both sides have closed'))
    else this.#fail('the connection was lost')
  }

  #fail(reason: string, cause?: Error): void {
    if (this.#failure === undefined) this.#end(this.#closedError(reason, cause))
  }

  #abortWith(error: unknown): void {
    if (!(error instanceof NetworkError)) throw error
    this.#end(error)
    this.#stream.abort(error)
  }

  #end(error: NetworkError): void {
    if (this.#failure !== undefined) return
    this.#failure = error
    this.#inbox.fail(error)
    this.#endSending(error)
  }

  /** All that is left is to receive what the peer sent before it closed. */
  #endSending(error: NetworkError): void {
    this.#turns.leave(this)
    for (const { reject } of this.#queued.splice(0)) reject(error)
    this.#closed.abort(error)
  }

  #closedError(reason: string, cause?: unknown): NetworkError {
    return new NetworkError({ code: 'CHANNEL_CLOSED', peer: this.peer, reason }, cause === undefined ? {} : { cause })
  }
}
