import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { PEER_WINDOW_BYTES_MAX, PEER_WINDOW_BYTES_MIN, PEER_WINDOW_BYTES_START } from '../src/limits.ts'
import { PeerWindow } from '../src/peer-window.ts'

const CHUNK_BYTES = 64 * 1024
const MIB = 1024 * 1024

interface Path {
  readonly roundTripMs: number
  /** May change while the path is used. */
  bytesPerMs: number
}

/** Keeps `window` full over `path`, whose peer answers in order; an event a millisecond. */
class Transfer {
  readonly window = new PeerWindow()
  readonly path: Path
  readonly #asked: { readonly sinceMs: number; readonly reachesPeerMs: number }[] = []
  readonly #arriving: { readonly sinceMs: number; readonly dueMs: number }[] = []
  #credit = 0
  #nowMs = 0
  #receivedBytes = 0

  constructor(path: Path) {
    this.path = path
  }

  /** Bytes that arrived in `ms` more milliseconds. */
  run(ms: number): number {
    const before = this.#receivedBytes
    for (const untilMs = this.#nowMs + ms; this.#nowMs < untilMs; this.#nowMs++) this.#tick()
    return this.#receivedBytes - before
  }

  #tick(): void {
    while (this.window.roomBytes >= CHUNK_BYTES) {
      this.window.requested(CHUNK_BYTES)
      this.#asked.push({ sinceMs: this.#nowMs, reachesPeerMs: this.#nowMs + this.path.roundTripMs / 2 })
    }
    const isBusy = this.#asked[0] !== undefined && this.#asked[0].reachesPeerMs <= this.#nowMs
    this.#credit = isBusy ? this.#credit + this.path.bytesPerMs : 0
    while (this.#credit >= CHUNK_BYTES && this.#asked[0] !== undefined && this.#asked[0].reachesPeerMs <= this.#nowMs) {
      this.#credit -= CHUNK_BYTES
      this.#arriving.push({ sinceMs: this.#asked.shift()!.sinceMs, dueMs: this.#nowMs + this.path.roundTripMs / 2 })
    }
    while (this.#arriving[0] !== undefined && this.#arriving[0].dueMs <= this.#nowMs) {
      const { sinceMs } = this.#arriving.shift()!
      this.#receivedBytes += CHUNK_BYTES
      const responseMs = Math.max(0.3, this.#nowMs - sinceMs)
      this.window.received(CHUNK_BYTES, this.#nowMs, responseMs, this.window.bytesPerSecond(this.#nowMs))
    }
  }
}

describe('PeerWindow', () => {
  test('fills a long and fast path within some round trips', () => {
    const transfer = new Transfer({ roundTripMs: 40, bytesPerMs: 100 * 1024 })
    transfer.run(400)
    const bytes = transfer.run(400)
    assert.ok(bytes >= 0.9 * 400 * 100 * 1024, `${bytes} bytes`)
    assert.ok(transfer.window.windowBytes < 4 * 40 * 100 * 1024, `${transfer.window.windowBytes} bytes`)
  })

  test('finds a path that has become faster', () => {
    const transfer = new Transfer({ roundTripMs: 40, bytesPerMs: 20 * 1024 })
    transfer.run(1_000)
    transfer.path.bytesPerMs = 100 * 1024
    transfer.run(3_000)
    const bytes = transfer.run(400)
    assert.ok(bytes >= 0.9 * 400 * 100 * 1024, `${bytes} bytes`)
  })

  test('holds little more than the path, once a queue has stood at the peer', () => {
    const transfer = new Transfer({ roundTripMs: 40, bytesPerMs: 100 * 1024 })
    transfer.run(3_000)
    const pathBytes = 40 * 100 * 1024
    assert.ok(transfer.window.windowBytes <= 2 * pathBytes, `${transfer.window.windowBytes} bytes`)
    transfer.path.bytesPerMs = 10 * 1024
    transfer.run(3_000)
    assert.ok(transfer.window.windowBytes <= MIB, `${transfer.window.windowBytes} bytes`)
  })

  test('stays small for a peer that is near', () => {
    const transfer = new Transfer({ roundTripMs: 0, bytesPerMs: 200 * 1024 })
    transfer.run(2_000)
    assert.ok(transfer.window.windowBytes <= 4 * MIB, `${transfer.window.windowBytes} bytes`)
  })

  test('is at most twice its first size for a slow peer, and soon less', () => {
    // 1 Mbit/s: a chunk in half a second.
    const transfer = new Transfer({ roundTripMs: 10, bytesPerMs: 125 })
    let largestBytes = 0
    for (let i = 0; i < 100; i++) {
      transfer.run(100)
      largestBytes = Math.max(largestBytes, transfer.window.windowBytes)
    }
    assert.ok(largestBytes <= 2 * PEER_WINDOW_BYTES_START, `${largestBytes} bytes`)
    assert.ok(transfer.window.windowBytes <= PEER_WINDOW_BYTES_START, `${transfer.window.windowBytes} bytes`)
  })

  test('does not grow while it is not used', () => {
    const window = new PeerWindow()
    for (let now = 0; now < 100; now++) {
      window.requested(CHUNK_BYTES)
      window.received(CHUNK_BYTES, now, 1, 0)
    }
    assert.equal(window.windowBytes, PEER_WINDOW_BYTES_START)
  })

  test('stays within its bounds whatever arrives', () => {
    const window = new PeerWindow()
    for (let now = 0; now < 1_000; now++) {
      window.requested(4 * MIB)
      window.received(4 * MIB, now, 1, 0)
      window.requested(4 * MIB)
    }
    assert.equal(window.windowBytes, PEER_WINDOW_BYTES_MAX)
    for (let now = 1_000; now < 20_000; now += 100) {
      window.requested(1)
      window.received(1, now, 10_000, 0)
    }
    assert.equal(window.windowBytes, PEER_WINDOW_BYTES_MIN)
  })
})
