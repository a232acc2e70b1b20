import type { Channel } from '@cairn/network'
import { type CID, decodeExchange, type ExchangeMessage, ProtocolError } from '@cairn/protocol'
import type { Uplink } from './uplink.ts'

/**
 * Serves one inbound bulk channel until the peer closes it: reads its requests for `uplink`, which answers them.
 *
 * A request that is refused is answered before the next one is read, so a peer that asks without end, and reads nothing, is not read either.
 *
 * @throws {ProtocolError} what no honest peer sends
 * @throws {NetworkError} `CHANNEL_CLOSED`, `FRAME_TOO_LARGE`
 */
export async function serveExchange(channel: Channel, uplink: Uplink): Promise<void> {
  const lane = uplink.open(channel)
  let basis: readonly CID[] = []
  for (let bytes = await channel.receive(); bytes !== undefined; bytes = await channel.receive()) {
    const message: ExchangeMessage = decodeExchange(bytes)
    if (message.type === 'want') {
      await uplink.want(lane, message, basis)
    } else if (message.type === 'cancel') {
      await uplink.cancel(lane, message.id, message.position)
    } else if (message.type === 'basis') {
      basis = message.snapshots
    } else {
      throw new ProtocolError({ code: 'MALFORMED', what: 'exchange', reason: `${message.type} sent to a server` })
    }
  }
  await uplink.drained(lane)
  await channel.close()
}
