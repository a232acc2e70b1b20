import type { Stream, StreamMessageEvent, StreamMiddleware } from '@libp2p/interface'
import type { Clock, Timer } from '@cairn/runtime'
import { GOSSIP_BURST_BYTES_MAX, GOSSIP_BYTES_PER_SECOND_MAX } from '../limits.ts'

/**
 * Bounds what gossipsub reads from each peer. It iterates its streams, which applies no backpressure, and verifies a
 * signature for each message: without this, one peer could fill memory at the speed of its link.
 */
export function gossipThrottle(clock: Clock): StreamMiddleware {
  return (stream, connection, next) => {
    if (stream.direction === 'inbound') throttle(stream, clock)
    next(stream, connection)
  }
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
