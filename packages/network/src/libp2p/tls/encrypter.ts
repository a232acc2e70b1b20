import type { ConnectionEncrypter, MessageStream, SecureConnectionOptions, SecuredConnection } from '@libp2p/interface'
import { PROTOCOL, tls, type TLSComponents } from '@libp2p/tls'
import { generateCertificate, verifyPeerCertificate } from '@libp2p/tls/utils'
import { type Certificate, handshake, type Side } from './handshake.ts'
import { takeSocket, tcpSocketOf } from './tcp-socket.ts'
import { TlsStream } from './tls-stream.ts'

/**
 * TLS 1.3 as libp2p specifies it, by Node's own TLS directly on the socket of a TCP connection.
 *
 * On the wire it is what `@libp2p/tls` speaks, which also serves any connection whose socket cannot be had.
 *
 * @see https://github.com/libp2p/specs/blob/master/tls/tls.md
 */
export function tlsOnSocket(): (components: TLSComponents) => ConnectionEncrypter {
  return (components) => new TlsOnSocket(components)
}

class TlsOnSocket implements ConnectionEncrypter {
  readonly protocol = PROTOCOL
  readonly #components: TLSComponents
  readonly #stock: ConnectionEncrypter
  #certificate: Promise<Certificate> | undefined

  constructor(components: TLSComponents) {
    this.#components = components
    this.#stock = tls()(components)
  }

  async secureInbound(connection: MessageStream, options?: SecureConnectionOptions): Promise<SecuredConnection> {
    if (tcpSocketOf(connection) === undefined) return await this.#stock.secureInbound(connection, options)
    return await this.#secure(connection, 'server', options)
  }

  async secureOutbound(connection: MessageStream, options?: SecureConnectionOptions): Promise<SecuredConnection> {
    if (tcpSocketOf(connection) === undefined) return await this.#stock.secureOutbound(connection, options)
    return await this.#secure(connection, 'client', options)
  }

  /** Rejects, with the connection aborted and its socket closed, when the other side does not prove to be a peer, or the expected one. */
  async #secure(connection: MessageStream, side: Side, options: SecureConnectionOptions = {}): Promise<SecuredConnection> {
    try {
      const certificate = await this.#ownCertificate()
      options.signal?.throwIfAborted()
      const raw = takeSocket(connection)
      const muxers = this.#components.upgrader.getStreamMuxers()
      // A muxer agreed on here saves a round trip. 'libp2p' stands for none: it is then negotiated inside, as on any connection.
      const protocols = [...(options.skipStreamMuxerNegotiation === true ? [] : muxers.keys()), 'libp2p']
      const { socket, peerCertificate } = await handshake(raw, { side, certificate, protocols, signal: options.signal })
      const stream = new TlsStream({ connection, raw, socket })
      const remotePeer = await verifyPeerCertificate(peerCertificate, options.remotePeer, connection.log)
      const streamMuxer = typeof socket.alpnProtocol === 'string' ? muxers.get(socket.alpnProtocol) : undefined
      return { connection: stream, remotePeer, ...(streamMuxer === undefined ? {} : { streamMuxer }) }
    } catch (error) {
      connection.abort(error instanceof Error ? error : new Error(String(error)))
      throw error
    }
  }

  /** One for all connections: its key signs handshakes and decrypts nothing, and making it costs more than a handshake. */
  #ownCertificate(): Promise<Certificate> {
    this.#certificate ??= generateCertificate(this.#components.privateKey).catch((error: unknown) => {
      this.#certificate = undefined
      throw error
    })
    return this.#certificate
  }
}
