import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { type Servable, type ServingLimits, ServingQueue } from '../src/exchange/serving-queue.ts'

interface Block extends Servable {
  readonly name: string
  readonly bytes: number
}

const LIMITS: ServingLimits = {
  bytesMax: 1000,
  peerBytesMax: 100,
  peerTurnsMax: 4,
  quantumBytes: 100,
  newcomerBytes: 0,
  newcomerShare: 0.25,
  peerQueuedMax: 100,
  queuedMax: 150,
}

describe('ServingQueue', () => {
  it('gives each peer as many bytes in turn, however large their blocks are', () => {
    const queue = queueOf({})
    queue.add('large', blocks('large', 8, 100))
    queue.add('small', blocks('small', 40, 20))
    const order = serve(queue, 30).map(({ block }) => block.name.split('-')[0])
    const bytes = {
      large: order.filter((name) => name === 'large').length * 100,
      small: order.filter((name) => name === 'small').length * 20,
    }
    assert.deepEqual(bytes, { large: 500, small: 500 })
  })

  it('lets a block overdraw a quantum, and has it paid back', () => {
    const queue = queueOf({ quantumBytes: 10 })
    queue.add('a', blocks('a', 3, 35))
    queue.add('b', blocks('b', 9, 10))
    assert.deepEqual(namesOf(serve(queue, 10)), ['a-0', 'b-0', 'b-1', 'b-2', 'a-1', 'b-3', 'b-4', 'b-5', 'b-6', 'a-2'])
  })

  it('reads one block of a peer at a time, and as many as it may hold', () => {
    const queue = queueOf({})
    queue.add('a', blocks('a', 9, 40))
    const first = queue.next()!
    assert.equal(queue.next(), undefined, 'how large the first is, is not known yet')
    queue.loaded(first, 40)
    const more = [1, 2].map(() => {
      const turn = queue.next()!
      queue.loaded(turn, 40)
      return turn
    })
    assert.deepEqual(namesOf(more), ['a-1', 'a-2'])
    assert.deepEqual([queue.next(), queue.isShort, queue.heldBytes], [undefined, false, 120])
    queue.release(first)
    assert.equal(queue.next()?.block.name, 'a-3')
  })

  it('bounds how many blocks a peer has in hand, however small', () => {
    const queue = queueOf({})
    queue.add('a', blocks('a', 9, 0))
    for (let turns = 0; turns < LIMITS.peerTurnsMax; turns++) queue.loaded(queue.next()!, 0)
    assert.equal(queue.next(), undefined)
  })

  it('says when memory is short, and lets nobody with a smaller block go before', () => {
    const queue = queueOf({ bytesMax: 100 })
    queue.add('a', blocks('a', 1, 60))
    queue.add('b', blocks('b', 1, 60))
    queue.add('c', blocks('c', 1, 10))
    const turn = queue.next()!
    assert.deepEqual([queue.next(), queue.isShort], [undefined, true])
    queue.loaded(turn, 30)
    assert.equal(queue.next()?.block.name, 'b-0')
    queue.release(turn)
    assert.deepEqual([queue.next()?.block.name, queue.isShort], ['c-0', false])
  })

  it('does not wait for a peer that cannot take more, and lets it save up no more than a quantum', () => {
    const queue = queueOf({})
    queue.add('stuck', blocks('stuck', 9, 100))
    queue.add('other', blocks('other', 40, 50))
    const stuck = queue.next()!
    queue.loaded(stuck, 100)
    assert.equal(stuck.peer, 'stuck')
    assert.deepEqual(new Set(serve(queue, 20).map(({ peer }) => peer)), new Set(['other']))
    queue.release(stuck)
    const bytes = { stuck: 0, other: 0 }
    for (const { peer, block } of serve(queue, 6)) bytes[peer as 'stuck' | 'other'] += block.bytes
    assert.deepEqual(bytes, { stuck: 300, other: 150 })
  })

  it('gives a stalled peer nothing', () => {
    const queue = queueOf({})
    queue.add('a', blocks('a', 2, 10))
    queue.setStalled('a', true)
    assert.equal(queue.next(), undefined)
    queue.setStalled('a', false)
    assert.equal(queue.next()?.block.name, 'a-0')
  })

  it('refuses what is too much for one peer, and for all', () => {
    const queue = queueOf({})
    assert.equal(queue.add('a', blocks('a', 90, 1)), undefined)
    assert.equal(queue.add('a', blocks('a', 11, 1)), 'TOO_MANY')
    assert.equal(queue.add('b', blocks('b', 60, 1)), undefined)
    assert.equal(queue.add('c', blocks('c', 1, 1)), 'BUSY')
    assert.equal(queue.queuedCount, 150)
  })

  it('takes blocks out, and puts one back in front', () => {
    const queue = queueOf({})
    queue.add('a', blocks('a', 4, 10))
    const turn = queue.next()!
    queue.loaded(turn, 10)
    assert.deepEqual(
      queue.remove('a', ({ name }) => name !== 'a-2').map(({ name }) => name),
      ['a-1', 'a-3'],
    )
    queue.putBack(turn)
    assert.deepEqual([queue.queuedCount, queue.heldBytes], [2, 0])
    assert.deepEqual(namesOf(serve(queue, 5)), ['a-0', 'a-2'])
    assert.deepEqual(
      queue.remove('nobody', () => true),
      [],
    )
  })

  describe('with a slot for newcomers', () => {
    const limits = { newcomerBytes: 200, newcomerShare: 0.25 }

    it('lets those who had little go first, for their share', () => {
      const queue = queueOf(limits)
      queue.join('old')
      queue.add('old', blocks('before', 5, 100))
      serve(queue, 5)
      queue.add('old', blocks('old', 40, 10))
      queue.add('new', blocks('new', 40, 10))
      const turns = serve(queue, 24)
      const slot = turns.filter(({ isNewcomer }) => isNewcomer)
      assert.ok(slot.every(({ peer }) => peer === 'new'))
      assert.ok(slot.length >= 2)
      const old = turns.filter(({ peer }) => peer === 'old').length
      assert.ok(turns.filter(({ peer }) => peer === 'new').length > old)
    })

    it('treats newcomers alike while there is nobody else', () => {
      const queue = queueOf(limits)
      for (const name of ['a', 'b', 'c']) queue.add(name, blocks(name, 4, 50))
      const turns = serve(queue, 6)
      assert.deepEqual(namesOf(turns), ['a-0', 'b-0', 'c-0', 'a-1', 'b-1', 'c-1'])
      assert.ok(turns.every(({ isNewcomer }) => !isNewcomer))
    })

    it('forgets a peer with its last channel, and only then', () => {
      const queue = queueOf(limits)
      queue.join('old')
      queue.add('old', blocks('old', 8, 100))
      serve(queue, 7)
      queue.join('x')
      queue.join('x')
      queue.add('x', blocks('x', 9, 100))
      const slots: boolean[] = []
      const step = (): void => {
        const [turn] = serve(queue, 1)
        slots.push(turn!.isNewcomer)
      }
      for (let turns = 0; turns < 4; turns++) step()
      queue.leave('x')
      step()
      assert.equal(slots.at(-1), false, 'it has had its share')
      queue.remove('x', () => true)
      queue.leave('x')
      queue.join('x')
      queue.add('old', blocks('again', 8, 100))
      serve(queue, 4)
      queue.add('x', blocks('y', 9, 100))
      step()
      assert.equal(slots.at(-1), true, 'it is new again')
    })
  })
})

function queueOf(different: Partial<ServingLimits>): ServingQueue<Block> {
  return new ServingQueue<Block>({ ...LIMITS, ...different })
}

function blocks(name: string, count: number, bytes: number): Block[] {
  return Array.from({ length: count }, (_, i) => ({ name: `${name}-${i}`, bytes, bytesMax: Math.max(bytes, 1) }))
}

/** The next `count` turns at most, each sent at once. */
function serve(
  queue: ServingQueue<Block>,
  count: number,
): { readonly peer: string; readonly block: Block; readonly isNewcomer: boolean }[] {
  const turns = []
  for (let turn = queue.next(); turn !== undefined; turn = turns.length < count ? queue.next() : undefined) {
    queue.loaded(turn, turn.block.bytes)
    queue.release(turn)
    turns.push(turn)
    if (turns.length === count) break
  }
  return turns
}

function namesOf(turns: readonly { readonly block: Block }[]): readonly string[] {
  return turns.map(({ block }) => block.name)
}
