import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import {
  PAGES_ASKED_FIRST,
  PAGES_ASKED_MAX,
  PAGES_ASKED_MIN,
  PERIOD_SHARE,
  REQUESTS_LATE_MAX,
  REQUESTS_MAX,
} from '../../src/snapshot/limits.ts'
import { type PageRequest, PageRequests } from '../../src/snapshot/page-requests.ts'

const PEERS = ['a', 'b', 'c']

function pages(count: number, from = 0): ReadonlyMap<string, Uint8Array> {
  return new Map(Array.from({ length: count }, (_, index) => [`page ${from + index}`, Uint8Array.of(from + index)]))
}

/** All requests that may be made now. */
function all(requests: PageRequests, wanted: ReadonlyMap<string, Uint8Array>, firstId: number, peers = PEERS): readonly PageRequest[] {
  const made: PageRequest[] = []
  for (
    let next = requests.next(firstId, wanted, peers, 'b');
    next !== undefined;
    next = requests.next(firstId + made.length, wanted, peers, 'b')
  )
    made.push(next)
  return made
}

describe('requests for pages', () => {
  it('are a few at a time, of several peers, for each page once', () => {
    const requests = new PageRequests()
    const made = all(requests, pages(2 * REQUESTS_MAX * PAGES_ASKED_MAX), 0)
    assert.deepEqual(
      made.map(({ peer, hashes }) => [peer, hashes.length]),
      ['b', 'a', 'c', 'b'].map((peer) => [peer, PAGES_ASKED_FIRST]),
    )
    assert.equal(new Set(made.flatMap(({ hashes }) => hashes)).size, REQUESTS_MAX * PAGES_ASKED_FIRST)
    assert.equal(requests.answered(1, 'c'), undefined, 'only who was asked answers')
    assert.equal(requests.answered(1, 'a')?.size, PAGES_ASKED_FIRST)
    assert.equal(requests.answered(1, 'a'), undefined, 'and once')
  })

  it('wait for what a peer brings where they would be for a few pages more', () => {
    const requests = new PageRequests()
    assert.deepEqual(
      all(requests, pages(1), 0, ['a']).map(({ hashes }) => hashes.length),
      [1],
    )
    assert.equal(all(requests, pages(PAGES_ASKED_MIN), 1, ['a']).length, 0)
    assert.equal(all(requests, pages(PAGES_ASKED_MIN + 1), 1, ['a']).length, 1)
    assert.equal(all(requests, pages(PAGES_ASKED_MIN + 2), 2, ['a', 'b']).length, 1, 'of one that has nothing to do')
  })

  it('are for as many pages each, so that no peer has all that the rest hangs on', () => {
    const made = all(new PageRequests(), pages(45), 0)
    assert.deepEqual(
      made.map(({ peer, hashes }) => [peer, hashes.length]),
      [
        ['b', 12],
        ['a', 11],
        ['c', 11],
        ['b', 11],
      ],
    )
  })

  it('are given up when they are old, and their pages are asked of others', () => {
    const requests = new PageRequests()
    const wanted = pages(REQUESTS_MAX * PAGES_ASKED_MAX)
    assert.equal(all(requests, wanted, 0).length, REQUESTS_MAX)
    requests.growOld()
    for (const [id, peer] of ['b', 'a', '', 'b'].entries()) {
      if (peer === '') continue
      assert.equal(requests.answered(id, peer)?.size, PAGES_ASKED_FIRST, 'not at once')
      requests.helped(peer, true)
    }
    requests.growOld()
    const again = all(requests, wanted, 10)
    assert.deepEqual(
      again.map(({ peer }) => peer),
      ['b', 'a', 'b', 'a'],
      'who failed is asked last',
    )
    assert.equal(requests.answered(2, 'c')?.size, PAGES_ASKED_FIRST, 'who is late is heard')
    assert.equal(requests.answered(2, 'c'), undefined, 'and once')
  })

  it('are forgotten when they were given up long ago', () => {
    const requests = new PageRequests()
    const wanted = pages(REQUESTS_MAX * PAGES_ASKED_MAX)
    for (let id = 0; id <= REQUESTS_LATE_MAX; id++) {
      assert.ok(requests.next(id, wanted, ['a'], 'a'))
      requests.growOld()
      requests.growOld()
    }
    assert.equal(requests.answered(0, 'a'), undefined)
    assert.ok(requests.answered(1, 'a'))
  })

  it('are not given up while their peer answers those before them', () => {
    const requests = new PageRequests()
    const wanted = pages(REQUESTS_MAX * PAGES_ASKED_MAX)
    assert.deepEqual(
      all(requests, wanted, 0, ['a', 'b']).map(({ peer }) => peer),
      ['b', 'a', 'b', 'a'],
    )
    requests.growOld()
    requests.answered(0, 'b')
    requests.helped('b', true)
    requests.growOld()
    assert.deepEqual(
      all(requests, wanted, 10, ['b']).map(({ hashes }) => hashes.length),
      [4, 4, 4],
      'of the others one is under way, and each of two that brought nothing halves what is asked for',
    )
  })

  it('grow with what comes in a period, and are small again when nothing does', () => {
    const requests = new PageRequests()
    const wanted = pages(REQUESTS_MAX * PAGES_ASKED_MAX)
    const bring = (id: number): number => {
      const asked = requests.next(id, wanted, ['a'], 'a')?.hashes.length ?? 0
      requests.answered(id, 'a')
      requests.helped('a', true)
      return asked
    }
    let came = 0
    for (let id = 0; id < 40; id++) {
      const most = Math.floor((came * PERIOD_SHARE) / REQUESTS_MAX)
      const asked = bring(id)
      assert.equal(asked, Math.min(Math.max(most, PAGES_ASKED_FIRST), PAGES_ASKED_MAX))
      came += asked
    }
    requests.growOld()
    assert.equal(bring(100), PAGES_ASKED_MAX)
    requests.growOld()
    requests.growOld()
    assert.equal(bring(101), PAGES_ASKED_FIRST)
  })

  it('are of nobody who lied, and end when nobody brings anything', () => {
    const requests = new PageRequests()
    requests.lied('b')
    assert.ok(all(requests, pages(2 * PAGES_ASKED_MAX), 0, ['b', 'c']).every(({ peer }) => peer === 'c'))
    assert.equal(requests.isHopeless(['b', 'c']), false)
    for (let round = 0; round < 4; round++) requests.failed('c')
    assert.equal(requests.isHopeless(['b', 'c']), true)
    requests.helped('c', true)
    assert.equal(requests.isHopeless(['b', 'c']), false)
    requests.lied('c')
    assert.equal(requests.isHopeless(['b', 'c']), true)
  })
})
