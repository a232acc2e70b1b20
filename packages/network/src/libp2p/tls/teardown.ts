import type { Socket } from 'node:net'
import type { TLSSocket } from 'node:tls'

/**
 * From now on, whoever destroys or resets `raw` destroys `socket`, the TLS on it, first.
 *
 * TLS that is destroyed first destroys its socket and frees its own state when that has closed. Destroyed after its
 * socket it frees it at once: from a callback of OpenSSL, where most of our code runs, that is the end of the process.
 */
export function destroyThroughTls(raw: Socket, socket: TLSSocket): void {
  const destroy = raw.destroy.bind(raw)
  const reset = raw.resetAndDestroy.bind(raw)
  let isReset = false
  raw.destroy = (error) => {
    if (!socket.destroyed) {
      socket.destroy(error)
      return raw
    }
    if (!isReset) return destroy(error)
    // Node comes back here, this time to destroy.
    isReset = false
    return reset()
  }
  raw.resetAndDestroy = () => {
    // What is being shut down cannot be reset: libuv refuses, and Node would leave the socket open.
    isReset = !socket.writableEnded && !socket.destroyed
    return raw.destroy()
  }
}
