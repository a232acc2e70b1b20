import type { Channel, Protocol, Transport } from '@cairn/network'
import { MemoryNetwork, type MemoryNetworkInit } from '@cairn/network/testing'
import { seededRandom } from '@cairn/runtime'
import { ManualClock } from '@cairn/runtime/testing'

export interface ChannelPair {
  readonly clock: ManualClock
  readonly client: Channel
  readonly server: Channel
}

/** Both ends of one channel in memory, between peers `client` and `server`, on a link that takes no time. */
export async function openChannel(protocol: Protocol, conditions: Partial<MemoryNetworkInit> = {}): Promise<ChannelPair> {
  const clock = new ManualClock()
  const network = new MemoryNetwork({ clock, random: seededRandom(1), ...conditions })
  const near = network.createTransport('client')
  const far = network.createTransport('server')
  const { promise, resolve } = Promise.withResolvers<Channel>()
  await far.handle(protocol, async (channel) => resolve(channel))
  await dial(near, far)
  return { clock, client: await near.open('server', protocol), server: await promise }
}

export async function dial(from: Transport, to: Transport): Promise<void> {
  await from.dial(to.addresses()[0]!)
}

/** Lets promises run until `condition` holds; nothing here waits for time. */
export async function eventually(condition: () => boolean): Promise<void> {
  for (let turn = 0; !condition(); turn++) {
    if (turn === 10_000) throw new Error(`it has not come about: ${String(condition)}`)
    await new Promise((resolve) => setImmediate(resolve))
  }
}

/** Lets everything happen that can without time moving on. */
export function quiet(clock: ManualClock): Promise<void> {
  return clock.advance(0)
}
