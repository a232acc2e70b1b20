import {
  PEER_WINDOW_BYTES_FLOOR,
  PEER_WINDOW_BYTES_MAX,
  PEER_WINDOW_BYTES_MIN,
  PEER_WINDOW_BYTES_START,
  PEER_WINDOW_FLOOR_MS,
  RATE_ROUND_TRIPS,
  RATE_SPAN_MS,
  RATE_SPAN_MS_MIN,
  WINDOW_SLACK_MS,
  WINDOW_SLACK_MS_MAX,
} from './limits.ts'

/** Width of one slot of the rate measurement. */
const SLOT_MS = 100
const SLOTS = RATE_SPAN_MS / SLOT_MS
const SLOTS_MIN = RATE_SPAN_MS_MIN / SLOT_MS

/**
 * How many bytes may be in flight from one peer.
 *
 * It starts small and grows by what arrives, which doubles it each round trip, until answers come late for a whole round trip: then a
 * queue stands at the peer, and what arrives is what the path gives. From then on the window is that rate times the shortest response
 * time with some slack. A queue makes responses longer but not the shortest one, so the window settles where little more than the path
 * is full. A slow peer's window is one chunk: whatever it holds is soon late.
 */
export class PeerWindow {
  #bytes = PEER_WINDOW_BYTES_START
  #isSlowStart = true
  #lateSinceMs: number | undefined
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
    // What stands half empty says nothing of the path.
    const isInUse = this.#inFlightBytes * 2 >= this.#bytes
    this.released(bytes)
    this.#shortestResponseMs = Math.min(this.#shortestResponseMs, responseMs)
    this.#advance(nowMs)
    const slot = this.#slot % SLOTS
    this.#slots[slot] = this.#slots[slot]! + bytes
    const slackMs = Math.max(WINDOW_SLACK_MS, Math.min(WINDOW_SLACK_MS_MAX, this.#shortestResponseMs / 2))
    const spanMs = this.#shortestResponseMs + slackMs
    const isLate = responseMs > spanMs
    this.#noteLateness(isLate, nowMs)
    const grownBytes = this.#bytes + bytes
    if (this.#isSlowStart) this.#bytes = Math.min(PEER_WINDOW_BYTES_MAX, isInUse && !isLate ? grownBytes : this.#bytes)
    else {
      const targetBytes = (this.bytesPerSecond(nowMs) * spanMs) / 1000
      const floorBytes = Math.min(PEER_WINDOW_BYTES_FLOOR, (bytesPerSecond * PEER_WINDOW_FLOOR_MS) / 1000)
      const wantedBytes = Math.min(grownBytes, Math.max(targetBytes, floorBytes))
      this.#bytes = Math.min(PEER_WINDOW_BYTES_MAX, Math.max(PEER_WINDOW_BYTES_MIN, wantedBytes))
    }
  }

  /** Rate of late: over some round trips, between {@link RATE_SPAN_MS_MIN} and {@link RATE_SPAN_MS}, or since the first byte when that is shorter. */
  bytesPerSecond(nowMs: number): number {
    this.#advance(nowMs)
    const slotsCount = Math.min(SLOTS, Math.max(SLOTS_MIN, Math.ceil((RATE_ROUND_TRIPS * this.#shortestResponseMs) / SLOT_MS)))
    let sum = 0
    for (let i = 0; i < slotsCount; i++) sum += this.#slots[(this.#slot - i + SLOTS) % SLOTS]!
    const spanMs = Math.min(slotsCount * SLOT_MS, Math.max(SLOT_MS, nowMs - (this.#startedMs ?? nowMs)))
    return (sum * 1000) / spanMs
  }

  /** One late answer may be a busy event loop's; a round trip of them is a queue. */
  #noteLateness(isLate: boolean, nowMs: number): void {
    if (!isLate) this.#lateSinceMs = undefined
    else {
      this.#lateSinceMs ??= nowMs
      if (nowMs - this.#lateSinceMs >= this.#shortestResponseMs) this.#isSlowStart = false
    }
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
