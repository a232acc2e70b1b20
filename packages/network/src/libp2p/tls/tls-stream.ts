import type { Socket } from 'node:net'
import type { TLSSocket } from 'node:tls'
import type { AbortOptions, MessageStream } from '@libp2p/interface'
import { AbstractMessageStream, type SendResult } from '@libp2p/utils'
import type { Uint8ArrayList } from 'uint8arraylist'

export interface TlsStreamInit {
  /** What the upgrader closes and aborts; its socket is `raw`. */
  readonly connection: MessageStream
  readonly raw: Socket
  /** TLS on `raw`, after the handshake. */
  readonly socket: TLSSocket
}

/**
 * The plain side of a TLS socket as libp2p's message stream.
 *
 * It ends when its connection ends, and the other way round: closing either flushes what was sent and says goodbye in
 * TLS, aborting either resets the socket.
 */
export class TlsStream extends AbstractMessageStream {
  readonly #connection: MessageStream
  readonly #socket: TLSSocket
  #isCorked = false

  constructor({ connection, raw, socket }: TlsStreamInit) {
    const { log, direction, inactivityTimeout, maxReadBufferLength } = connection
    super({ log, direction, inactivityTimeout, maxReadBufferLength })
    this.#connection = connection
    this.#socket = socket
    raw.destroySoon = () => this.#destroySoon()
    socket.on('data', (bytes: Uint8Array) => this.onData(bytes))
    socket.on('drain', () => this.safeDispatchEvent('drain'))
    socket.on('error', (error) => this.abort(error))
    // The connection tells of every end: TLS and its socket close together.
    connection.addEventListener('close', ({ error }) => {
      if (error === undefined) this.onTransportClosed()
      else this.abort(error)
    })
  }

  async close(options?: AbortOptions): Promise<void> {
    await this.#connection.close(options)
  }

  override sendData(data: Uint8ArrayList): SendResult {
    let canSendMore = true
    // After the goodbye, ours or theirs: acknowledgements that libp2p still has to give reach nobody, and are no failure.
    if (!this.#socket.writable) return { sentBytes: data.byteLength, canSendMore }
    // One batch: a header of 12 bytes and a slice of 256 KiB make one write, and not a TLS record each; so does what is sent on
    // several streams at once, such as a vote and what it is about.
    this.#cork()
    for (const part of data) canSendMore = this.#socket.write(part)
    return { sentBytes: data.byteLength, canSendMore }
  }

  #cork(): void {
    if (this.#isCorked) return
    this.#isCorked = true
    this.#socket.cork()
    process.nextTick(() => {
      this.#isCorked = false
      this.#socket.uncork()
    })
  }

  override sendReset(error: Error): void {
    this.#connection.abort(error)
  }

  override sendPause(): void {
    this.#socket.pause()
  }

  override sendResume(): void {
    this.#socket.resume()
  }

  /** Left alone, a connection that closes would end its socket below what TLS still holds, and cut off what was sent last. */
  #destroySoon(): void {
    if (this.writeBufferLength === 0) this.#socket.destroySoon()
    else this.addEventListener('idle', () => this.#socket.destroySoon(), { once: true })
  }
}
