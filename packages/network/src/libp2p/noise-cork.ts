import type { MessageStream } from '@libp2p/interface'
import { AbstractMessageStream } from '@libp2p/utils'
import { tcpSocketOf } from './tls/tcp-socket.ts'

/**
 * Has what is sent on a TCP connection in one go written in one go: noise makes of 256 KiB five records of three pieces or more, and the
 * connection would give each piece to the socket by itself.
 *
 * Any connection whose socket is not known is left as it is. To be called while nothing waits to be sent.
 */
export function corkWrites(connection: MessageStream): void {
  const socket = tcpSocketOf(connection)
  if (socket === undefined || !(connection instanceof AbstractMessageStream)) return
  connection.sendData = (data) => {
    let canSendMore = true
    socket.cork()
    // To the last piece also when the socket is full: if a rest stayed behind, each drain would ask for the next message on top of it.
    for (const part of data) canSendMore = socket.write(part)
    socket.uncork()
    return { sentBytes: data.byteLength, canSendMore }
  }
}
