import {
  PEER_WINDOW_BYTES_FLOOR,
  PEER_WINDOW_BYTES_MAX,
  PEER_WINDOW_BYTES_MIN,
  PEER_WINDOW_BYTES_START,
  PEER_WINDOW_FLOOR_MS,
  RATE_SPAN_MS,
  WINDOW_SLACK_MS,
} from './limits.ts'

/** Width of one slot of the rate measurement. */
const SLOT_MS = 100
const SLOTS = RATE_SPAN_MS / SLOT_MS

/**
 * How many bytes may be in flight from one peer.
 *
 * It starts small and grows by what arrives, doubling each round trip, up to the peer's rate times its
 * shortest response time plus {@link WINDOW_SLACK_MS}; from then on it follows these. A queue that grows at the peer makes
 * responses longer but not the shortest one, so the window settles where little more than the path is full. A slow peer's window
 * is one chunk: whatever it holds is soon late.
 */
export class PeerWindow {
  #bytes = PEER_WINDOW_BYTES_START
  #inFlightBytes = 0
  #shortestResponseMs = Number.POSITIVE_INFINITY
  readonly #slots = new Float64Array(SLOTS)
  #slot = 0
  #startedMs: number | undefined

  get inFlightBytes(): number {
    return this.#inFlightBytes
  }

  get windowBytes(): number {
    return this.#bytes
  }

  /** Bytes that may still be asked for. Never negative. */
  get roomBytes(): number {
    return Math.max(0, this.#bytes - this.#inFlightBytes)
  }

  requested(bytes: number): void {
    this.#inFlightBytes += bytes
  }

  /** Something asked for will not come: refused, cancelled or lost with the peer. */
  released(bytes: number): void {
    this.#inFlightBytes = Math.max(0, this.#inFlightBytes - bytes)
  }

  /** Starts again with the smallest window. */
  restart(): void {
    this.#bytes = PEER_WINDOW_BYTES_MIN
  }

  /** A chunk of `bytes` arrived at `nowMs`, `responseMs` after it was asked for, from a peer that gives `bytesPerSecond` when busy. */
  received(bytes: number, nowMs: number, responseMs: number, bytesPerSecond: number): void {
    this.released(bytes)
    this.#shortestResponseMs = Math.min(this.#shortestResponseMs, responseMs)
    this.#advance(nowMs)
    const slot = this.#slot % SLOTS
    this.#slots[slot] = this.#slots[slot]! + bytes
    const spanMs = this.#shortestResponseMs + WINDOW_SLACK_MS
    const targetBytes = (this.bytesPerSecond(nowMs) * spanMs) / 1000
    const floorBytes = Math.min(PEER_WINDOW_BYTES_FLOOR, (bytesPerSecond * PEER_WINDOW_FLOOR_MS) / 1000)
    const wantedBytes = Math.min(this.#bytes + bytes, Math.max(targetBytes, floorBytes))
    this.#bytes = Math.min(PEER_WINDOW_BYTES_MAX, Math.max(PEER_WINDOW_BYTES_MIN, wantedBytes))
  }

  /** Rate over the last second, or over the time since the first byte when that is shorter. */
  bytesPerSecond(nowMs: number): number {
    this.#advance(nowMs)
    let sum = 0
    for (const bytes of this.#slots) sum += bytes
    const spanMs = Math.min(RATE_SPAN_MS, Math.max(SLOT_MS, nowMs - (this.#startedMs ?? nowMs)))
    return (sum * 1000) / spanMs
  }

  #advance(nowMs: number): void {
    const slot = Math.floor(nowMs / SLOT_MS)
    if (this.#startedMs === undefined) {
      this.#startedMs = nowMs
      this.#slot = slot
    }
    const steps = Math.min(SLOTS, Math.max(0, slot - this.#slot))
    for (let i = 1; i <= steps; i++) this.#slots[(this.#slot + i) % SLOTS] = 0
    if (slot > this.#slot) this.#slot = slot
  }
}
