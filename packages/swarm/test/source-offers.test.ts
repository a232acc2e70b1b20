import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { encodeDeltaSizes, pageCid, type SnapshotIndex } from '@cairn/protocol'
import { ManualClock } from '@cairn/runtime/testing'
import { DELTAS_POLL_MS } from '../src/limits.ts'
import { askOffers } from '../src/source-offers.ts'

type Reply = Awaited<ReturnType<Parameters<typeof askOffers>[0]['deltas']>>

const from = pageCid(Uint8Array.of(1))
const index = { cid: pageCid(Uint8Array.of(2)), chunksCount: 10 } as SnapshotIndex
const ready: Reply = { type: 'deltas-reply', id: 1, state: 'ready', sizes: encodeDeltaSizes(new Map([[3, 700]]))! }
const preparing: Reply = { type: 'deltas-reply', id: 1, state: 'preparing' }

describe('what a peer offers', () => {
  it('is asked for until it is made', async () => {
    const { clock, control, asked } = peer(preparing, preparing, ready)
    const offers = askOffers(control, index, from, { clock, signal: new AbortController().signal })
    await clock.advance(DELTAS_POLL_MS)
    assert.equal(asked(), 2)
    await clock.advance(DELTAS_POLL_MS)
    assert.deepEqual(await offers, new Map([[3, 700]]))
    assert.equal(asked(), 3)
  })

  it('is nothing where it has none, or more than it lists', async () => {
    for (const reply of [
      { type: 'deltas-reply', id: 1, state: 'none' },
      { type: 'deltas-reply', id: 1, state: 'ready' },
    ] as const) {
      const { clock, control } = peer(reply)
      assert.equal(await askOffers(control, index, from, { clock, signal: new AbortController().signal }), undefined)
    }
  })

  it('is not waited for when nobody wants it any more', async () => {
    const { clock, control, asked } = peer(preparing)
    const stopping = new AbortController()
    const offers = askOffers(control, index, from, { clock, signal: stopping.signal })
    const refused = assert.rejects(offers, /over/)
    await clock.advance(0)
    stopping.abort(new Error('over'))
    await refused
    assert.equal(asked(), 1)
  })
})

/** Gives `replies` one after the other, the last one for ever. */
function peer(...replies: readonly Reply[]) {
  let count = 0
  const control = { deltas: async (): Promise<Reply> => replies[Math.min(count++, replies.length - 1)]! }
  return { clock: new ManualClock(), control, asked: () => count }
}
