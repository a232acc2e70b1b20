import type { GossipSubComponents } from '@libp2p/gossipsub'
import type { Stream, StreamMessageEvent } from '@libp2p/interface'
import type { Clock, Timer } from '@cairn/runtime'
import { GOSSIP_BURST_BYTES_MAX, GOSSIP_BYTES_PER_SECOND_MAX } from '../limits.ts'

type Registrar = GossipSubComponents['registrar']

/**
 * The registrar that gossipsub is given, so that what it reads from each peer is bounded. It iterates its streams,
 * which applies no backpressure, and verifies a signature for each message: without this, one peer could fill memory
 * at the speed of its link.
 *
 * libp2p's own stream middleware cannot be used for it: it registers the handler once more for each inbound stream.
 */
export function throttled(registrar: Registrar, clock: Clock): Registrar {
  const handle: Registrar['handle'] = (protocol, handler, options) =>
    registrar.handle(
      protocol,
      (stream, connection) => {
        throttle(stream, clock)
        return handler(stream, connection)
      },
      options,
    )
  return Object.assign(Object.create(registrar) as Registrar, { handle })
}

function throttle(stream: Stream, clock: Clock): void {
  let allowedBytes = GOSSIP_BURST_BYTES_MAX
  let countedAtMs = clock.monotonicMs()
  let timer: Timer | undefined

  const onMessage = (event: StreamMessageEvent): void => {
    const nowMs = clock.monotonicMs()
    const earnedBytes = ((nowMs - countedAtMs) / 1000) * GOSSIP_BYTES_PER_SECOND_MAX
    allowedBytes = Math.min(GOSSIP_BURST_BYTES_MAX, allowedBytes + earnedBytes) - event.data.byteLength
    countedAtMs = nowMs
    // Later, because a pause from inside `resume()` would be undone by it.
    if (allowedBytes < 0) queueMicrotask(() => pause((-allowedBytes / GOSSIP_BYTES_PER_SECOND_MAX) * 1000))
  }
  const pause = (durationMs: number): void => {
    if (stream.readStatus !== 'readable') return
    stream.pause()
    timer = clock.setTimer(durationMs, resume)
  }
  const resume = (): void => {
    if (stream.readStatus === 'paused') stream.resume()
  }

  stream.addEventListener('close', () => timer?.cancel(), { once: true })
  // Paused until gossipsub listens too: what has arrived goes to whoever listens first.
  pause(0)
  stream.addEventListener('message', onMessage)
}
