import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { PAGES_ASKED_MAX, PAGES_ASKED_MIN, REQUESTS_MAX } from '../../src/snapshot/limits.ts'
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
      ['b', 'a', 'c', 'b'].map((peer) => [peer, PAGES_ASKED_MAX]),
    )
    assert.equal(new Set(made.flatMap(({ hashes }) => hashes)).size, REQUESTS_MAX * PAGES_ASKED_MAX)
    assert.equal(requests.answered(1, 'c'), undefined, 'only who was asked answers')
    assert.equal(requests.answered(1, 'a')?.size, PAGES_ASKED_MAX)
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
      assert.equal(requests.answered(id, peer)?.size, PAGES_ASKED_MAX, 'not at once')
      requests.helped(peer, true)
    }
    requests.growOld()
    assert.equal(requests.answered(2, 'c'), undefined)
    const again = all(requests, wanted, 10)
    assert.deepEqual(
      again.map(({ peer }) => peer),
      ['b', 'a', 'b', 'a'],
      'who failed is asked last',
    )
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
