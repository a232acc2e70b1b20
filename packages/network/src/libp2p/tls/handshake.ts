import { once } from 'node:events'
import type { Socket } from 'node:net'
import { connect, TLSSocket } from 'node:tls'
import { InvalidCryptoExchangeError } from '@libp2p/interface'
import { destroyThroughTls } from './teardown.ts'

/** PEM texts. */
export interface Certificate {
  readonly cert: string
  readonly key: string
}

/** Who speaks first in TLS: the side that dialled is the client. */
export type Side = 'client' | 'server'

export interface HandshakeInit {
  readonly side: Side
  readonly certificate: Certificate
  /** ALPN, in the order of preference. */
  readonly protocols: readonly string[]
  readonly signal: AbortSignal | undefined
}

/** `peerCertificate` (DER) is what the other side holds the key of; who that is remains to be verified. */
export interface Handshaken {
  readonly socket: TLSSocket
  readonly peerCertificate: Uint8Array
}

/**
 * Runs TLS 1.3 on `raw`, whose reader the result becomes.
 *
 * Rejects with the reason of the signal, with what TLS found wrong, or with an `InvalidCryptoExchangeError` when the
 * other side broke off or has shown no certificate. Nothing of it is left then, and `raw` is destroyed.
 */
export async function handshake(raw: Socket, init: HandshakeInit): Promise<Handshaken> {
  const socket = wrap(raw, init)
  destroyThroughTls(raw, socket)
  // Node leaves TLS errors of a server's socket to its tls.Server, and there is none: after a forged record the socket would just hang.
  socket.on('_tlsError', (error: Error) => socket.destroy(error))
  // Whoever waits is told otherwise. A socket that nobody waits for may still fail, such as when a dial is called off.
  socket.on('error', () => {})
  const closed = new AbortController()
  socket.once('close', () => closed.abort(new InvalidCryptoExchangeError('the peer broke off the handshake')))
  const signal = init.signal === undefined ? closed.signal : AbortSignal.any([init.signal, closed.signal])
  try {
    await once(socket, 'secure', { signal })
    const peerCertificate = socket.getPeerX509Certificate()?.raw
    if (peerCertificate === undefined) throw new InvalidCryptoExchangeError('the peer has shown no certificate')
    return { socket, peerCertificate }
  } catch (error) {
    socket.destroy()
    signal.throwIfAborted()
    throw error
  }
}

function wrap(raw: Socket, { side, certificate, protocols }: HandshakeInit): TLSSocket {
  const options = {
    ...certificate,
    minVersion: 'TLSv1.3',
    maxVersion: 'TLSv1.3',
    // No authority signs these certificates. Both sides show one, and the peer key's signature in it is checked afterwards.
    rejectUnauthorized: false,
    requestCert: true,
    ALPNProtocols: [...protocols],
    // Not listed in the types, but handed to `net`: both directions buffer as much as they do without TLS.
    highWaterMark: raw.writableHighWaterMark,
  } as const
  return side === 'server' ? new TLSSocket(raw, { ...options, isServer: true }) : connect({ ...options, socket: raw })
}
