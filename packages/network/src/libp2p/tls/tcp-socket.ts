import { Socket } from 'node:net'
import { type MessageStream, StreamStateError } from '@libp2p/interface'
import { Uint8ArrayList } from 'uint8arraylist'

/** The class of `@libp2p/tcp`'s connections. */
const CONNECTION_CLASS = 'TCPSocketMultiaddrConnection'

/**
 * The socket beneath a connection of `@libp2p/tcp`; `undefined` for any other connection, and for one that is not as we know it.
 *
 * The socket is a private field, and what makes it safe to take is that the connection does with it what version
 * 11.0.28 does: one `data` listener, and nothing written yet that waits above the socket.
 * A test fails when another version is installed, so that somebody looks again.
 */
export function tcpSocketOf(connection: MessageStream): Socket | undefined {
  if (connection.constructor.name !== CONNECTION_CLASS || !('socket' in connection)) return undefined
  const { socket } = connection
  if (!(socket instanceof Socket) || socket.listenerCount('data') !== 1 || socket.listenerCount('readable') !== 0) return undefined
  return connection.writeBufferLength === 0 && !connection.writableNeedsDrain ? socket : undefined
}

/**
 * Takes the socket out of a connection for good: everything that has arrived and has not been read is in the socket
 * again, which is paused. The connection still reports that its socket has closed or failed, and still closes it.
 *
 * @throws {StreamStateError} if the connection is closed or is none of `@libp2p/tcp`'s
 */
export function takeSocket(connection: MessageStream): Socket {
  const socket = tcpSocketOf(connection)
  if (socket === undefined || connection.status !== 'open') throw new StreamStateError('the connection has no socket to take')
  connection.pause()
  const unread = new Uint8ArrayList()
  if (connection.readBufferLength > 0) {
    const collect = ({ data }: { data: Uint8Array | Uint8ArrayList }): void => unread.append(data)
    connection.addEventListener('message', collect)
    // Hands over what it holds before it returns; the socket says nothing before the next turn, when it is paused again.
    connection.resume()
    connection.pause()
    connection.removeEventListener('message', collect)
  }
  socket.removeAllListeners('data')
  if (unread.byteLength > 0) socket.unshift(unread.subarray())
  return socket
}
