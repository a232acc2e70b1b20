import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { encodeDeltaSizes, pageCid, type SnapshotIndex } from '@cairn/protocol'
import { advanceToEnd, ManualClock } from '@cairn/runtime/testing'
import { DELTAS_POLL_MS } from '../src/limits.ts'
import { askOffers, hearOffers, type SourceOffers } from '../src/source-offers.ts'

type Reply = Awaited<ReturnType<Parameters<typeof askOffers>[0]['deltas']>>

const from = pageCid(Uint8Array.of(1))
const index = { cid: pageCid(Uint8Array.of(2)), chunksCount: 10 } as SnapshotIndex
const some: Reply = { type: 'deltas-reply', id: 1, state: 'preparing', sizes: encodeDeltaSizes(new Map([[2, 600]]))! }
const ready: Reply = { type: 'deltas-reply', id: 1, state: 'ready', sizes: encodeDeltaSizes(new Map([[3, 700]]))! }
const preparing: Reply = { type: 'deltas-reply', id: 1, state: 'preparing' }

describe('what a peer offers', () => {
  it('is heard of as it is made', async () => {
    const heard = await hear(60_000, preparing, some, ready)
    assert.deepEqual(heard, [
      { sizes: new Map(), isPreparing: true },
      { sizes: new Map([[2, 600]]), isPreparing: true },
      { sizes: new Map([[3, 700]]), isPreparing: false },
    ])
  })

  it('is nothing where it has none, or more than it lists', async () => {
    assert.deepEqual(await hear(60_000, { type: 'deltas-reply', id: 1, state: 'none' }), [])
    assert.deepEqual(await hear(60_000, { type: 'deltas-reply', id: 1, state: 'ready' }), [])
  })

  it('is waited for no longer than it is worth, and heard of all the same when it is there', async () => {
    const heard = await hear(DELTAS_POLL_MS, preparing, preparing, preparing, ready)
    assert.deepEqual(
      heard.map(({ sizes, isPreparing }) => [sizes.size, isPreparing]),
      [
        [0, true],
        [0, false],
        [1, false],
      ],
    )
  })

  it('is not waited for any more where the peer has given up', async () => {
    const heard = await hear(60_000, preparing, { type: 'deltas-reply', id: 1, state: 'none' })
    assert.deepEqual(
      heard.map(({ isPreparing }) => isPreparing),
      [true, false],
    )
  })

  it('is not waited for when the channel ends', async () => {
    const failing = { deltas: async (): Promise<Reply> => (count++ === 0 ? some : Promise.reject(new Error('gone'))) }
    let count = 0
    const clock = new ManualClock()
    const offers = askOffers(failing, index, from, { clock, waitUntilMs: 60_000, signal: new AbortController().signal })
    const heard: boolean[] = []
    const hearing = assert.rejects(
      hearOffers(offers, offers.next(), ({ isPreparing }) => heard.push(isPreparing)),
      /gone/,
    )
    await advanceToEnd(clock, DELTAS_POLL_MS, hearing)
    assert.deepEqual(heard, [true, false])
  })

  it('ends with its signal', async () => {
    const stopping = new AbortController()
    const clock = new ManualClock()
    const offers = askOffers(control(preparing), index, from, { clock, waitUntilMs: 60_000, signal: stopping.signal })
    await offers.next()
    const refused = assert.rejects(offers.next(), /over/)
    stopping.abort(new Error('over'))
    await refused
  })
})

/** What is heard of a peer that gives `replies` one after the other. */
async function hear(waitMs: number, ...replies: readonly Reply[]): Promise<SourceOffers[]> {
  const clock = new ManualClock()
  const options = { clock, waitUntilMs: clock.monotonicMs() + waitMs, signal: new AbortController().signal }
  const listen = async (): Promise<SourceOffers[]> => {
    const heard: SourceOffers[] = []
    for await (const offers of askOffers(control(...replies), index, from, options)) heard.push(offers)
    return heard
  }
  return advanceToEnd(clock, DELTAS_POLL_MS, listen())
}

function control(...replies: readonly Reply[]): Parameters<typeof askOffers>[0] {
  let count = 0
  return { deltas: async (): Promise<Reply> => replies[count++] ?? replies.at(-1)! }
}
