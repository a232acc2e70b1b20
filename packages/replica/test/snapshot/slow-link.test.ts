import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { ManualClock } from '@cairn/runtime/testing'
import { ASK_MS, PAGES_WANTED_MAX } from '../../src/snapshot/limits.ts'
import { PageRequests } from '../../src/snapshot/page-requests.ts'

const PAGE_BYTES = 2800
const ROUND_TRIP_MS = 100

interface Link {
  /** Bytes per millisecond are kilobytes per second. */
  readonly bytesPerMs: number
  /** The first offered the state. */
  readonly peers: readonly string[]
  readonly mute?: string
}

/** Somebody who fetches more pages than end, over one link where an answer waits for all that were sent before it. */
class Fetch {
  readonly clock = new ManualClock()
  usefulBytes = 0
  bytesPerMs: number
  readonly #link: Link
  readonly #wanted = new Map<string, Uint8Array>()
  #requests = new PageRequests()
  #isLeft = false
  #pagesCount = 0
  #requestsCount = 0
  #linkFreeMs = 0

  constructor(link: Link, bytesPerMs = link.bytesPerMs) {
    this.#link = link
    this.bytesPerMs = bytesPerMs
    this.#tick()
  }

  #tick(): void {
    if (this.#isLeft) this.#requests = new PageRequests()
    else this.#requests.growOld()
    this.#isLeft = false
    this.#ask()
    this.clock.setTimer(ASK_MS, () => this.#tick())
  }

  #ask(): void {
    const { peers, mute } = this.#link
    if (this.#isLeft) return
    if (this.#requests.isHopeless(peers)) {
      // As a download does: it is left, and begun again at the next time of asking.
      this.#isLeft = true
      return
    }
    while (this.#wanted.size < PAGES_WANTED_MAX) this.#wanted.set(`page ${this.#pagesCount++}`, new Uint8Array())
    const next = (): ReturnType<PageRequests['next']> => this.#requests.next(this.#requestsCount++, this.#wanted, peers, peers[0]!)
    for (let request = next(); request !== undefined; request = next()) {
      const { id, peer, hashes } = request
      if (peer !== mute) this.clock.setTimer(ROUND_TRIP_MS, () => this.#send(id, peer, hashes.length * PAGE_BYTES))
    }
  }

  #send(id: number, peer: string, bytes: number): void {
    const nowMs = this.clock.monotonicMs()
    this.#linkFreeMs = Math.max(this.#linkFreeMs, nowMs) + bytes / this.bytesPerMs
    this.clock.setTimer(this.#linkFreeMs - nowMs, () => this.#take(id, peer))
  }

  #take(id: number, peer: string): void {
    const names = this.#isLeft ? undefined : this.#requests.answered(id, peer)
    if (names === undefined) return
    for (const name of names) if (this.#wanted.delete(name)) this.usefulBytes += PAGE_BYTES
    this.#requests.helped(peer, true)
    this.#ask()
  }
}

/** The share of the link that brought new pages in a minute, after `before` at another speed. */
async function share(link: Link, before?: { readonly bytesPerMs: number; readonly forMs: number }): Promise<number> {
  const fetch = new Fetch(link, before?.bytesPerMs)
  if (before !== undefined) await fetch.clock.advance(before.forMs)
  const usefulBefore = fetch.usefulBytes
  fetch.bytesPerMs = link.bytesPerMs
  await fetch.clock.advance(60_000)
  return (fetch.usefulBytes - usefulBefore) / (link.bytesPerMs * 60_000)
}

function assertMost(shares: readonly number[]): void {
  assert.ok(Math.min(...shares) >= 0.7, `shares of the link: ${shares.map((value) => value.toFixed(2)).join(', ')}`)
}

describe('pages over a link', () => {
  for (const bytesPerMs of [20, 200, 300, 400, 1000, 5000]) {
    it(`of ${bytesPerMs} kB/s use most of it, from one peer or three, of which one may be mute`, async () => {
      assertMost([
        await share({ bytesPerMs, peers: ['a'] }),
        await share({ bytesPerMs, peers: ['a', 'b', 'c'] }),
        await share({ bytesPerMs, peers: ['a', 'b', 'c'], mute: 'a' }),
        await share({ bytesPerMs, peers: ['a', 'b', 'c'], mute: 'c' }),
      ])
    })
  }

  it('use most of one that has become slower or faster', async () => {
    const peers = ['a', 'b', 'c']
    assertMost([
      await share({ bytesPerMs: 200, peers }, { bytesPerMs: 1000, forMs: 10_000 }),
      await share({ bytesPerMs: 200, peers: ['a'] }, { bytesPerMs: 1000, forMs: 10_000 }),
      await share({ bytesPerMs: 5000, peers }, { bytesPerMs: 200, forMs: 10_000 }),
    ])
  })
})
