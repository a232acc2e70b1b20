import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { Bitmap, pageCid } from '@cairn/protocol'
import { ManualClock } from '@cairn/runtime/testing'
import { Holdings } from '../src/holdings.ts'
import { HAVE_UPDATE_INTERVAL_MS } from '../src/limits.ts'

const snapshot = pageCid(new Uint8Array([1]))
const other = pageCid(new Uint8Array([2]))

describe('Holdings', () => {
  it('knows what was added, live, until it is removed', () => {
    const { holdings } = setUp()
    assert.equal(holdings.get(snapshot), undefined)
    const have = new Bitmap(10)
    holdings.add(snapshot, have)
    holdings.add(other, Bitmap.full(10))
    have.set(3)
    assert.equal(holdings.get(snapshot)?.get(3), true)
    assert.deepEqual(
      [...holdings.entries()].map((entry) => entry.snapshot),
      [snapshot.toString(), other.toString()],
    )
    holdings.remove(snapshot)
    assert.equal(holdings.get(snapshot), undefined)
    holdings.remove(snapshot)
  })

  it('tells of what was delivered together, in order, once', async () => {
    const { clock, holdings, heard, listener } = setUp()
    holdings.add(snapshot, new Bitmap(10))
    holdings.listen(snapshot, listener)
    holdings.delivered(snapshot, 7)
    await clock.advance(HAVE_UPDATE_INTERVAL_MS / 2)
    holdings.delivered(snapshot, 2)
    holdings.delivered(other, 5)
    assert.deepEqual(heard, [])
    await clock.advance(HAVE_UPDATE_INTERVAL_MS / 2)
    assert.deepEqual(heard, [[2, 7]])
    holdings.delivered(snapshot, 1)
    await clock.advance(HAVE_UPDATE_INTERVAL_MS)
    assert.deepEqual(heard, [[2, 7], [1]])
    assert.equal(clock.nextTimerMs(), undefined)
  })

  it('tells those who listened before there was anything, also of what is held by then', async () => {
    const { clock, holdings, heard, listener } = setUp()
    holdings.listen(snapshot, listener)
    const have = new Bitmap(10)
    have.set(4)
    have.set(6)
    holdings.add(snapshot, have)
    assert.deepEqual(heard, [[4, 6]])
    holdings.delivered(snapshot, 1)
    await clock.advance(HAVE_UPDATE_INTERVAL_MS)
    assert.deepEqual(heard, [[4, 6], [1]])
  })

  it('keeps its listeners when a download becomes a complete snapshot', () => {
    const { holdings, heard, listener } = setUp()
    holdings.add(snapshot, new Bitmap(3))
    holdings.listen(snapshot, listener)
    holdings.add(snapshot, Bitmap.full(3))
    assert.deepEqual(heard, [[0, 1, 2]])
  })

  it('tells every listener, and no longer those who stopped', async () => {
    const { clock, holdings, heard, listener } = setUp()
    const before: (readonly number[])[] = []
    const stopEarly = holdings.listen(snapshot, (chunks) => before.push(chunks))
    holdings.listen(snapshot, listener)
    stopEarly()
    holdings.add(snapshot, Bitmap.full(1))
    const stop = holdings.listen(snapshot, (chunks) => before.push(chunks))
    holdings.delivered(snapshot, 0)
    await clock.advance(HAVE_UPDATE_INTERVAL_MS)
    stop()
    stop()
    holdings.delivered(snapshot, 0)
    await clock.advance(HAVE_UPDATE_INTERVAL_MS)
    assert.deepEqual(before, [[0]])
    assert.deepEqual(heard, [[0], [0], [0]])
  })

  it('does nothing while nobody listens, and nothing more for what was removed or when stopped', async () => {
    const { clock, holdings, heard, listener } = setUp()
    holdings.add(snapshot, new Bitmap(10))
    holdings.delivered(snapshot, 1)
    assert.equal(clock.nextTimerMs(), undefined)
    holdings.listen(snapshot, listener)
    holdings.delivered(snapshot, 2)
    holdings.remove(snapshot)
    assert.equal(clock.nextTimerMs(), undefined)
    holdings.add(other, new Bitmap(10))
    holdings.listen(other, listener)
    holdings.delivered(other, 3)
    holdings.stop()
    await clock.advance(HAVE_UPDATE_INTERVAL_MS)
    assert.deepEqual(heard, [])
  })
})

function setUp(): {
  readonly clock: ManualClock
  readonly holdings: Holdings
  readonly heard: (readonly number[])[]
  readonly listener: (chunks: readonly number[]) => void
} {
  const clock = new ManualClock()
  const heard: (readonly number[])[] = []
  return { clock, holdings: new Holdings(clock), heard, listener: (chunks) => heard.push(chunks) }
}
