import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import * as fc from 'fast-check'
import { type Servable, type ServingLimits, ServingQueue, type Turn } from '../src/exchange/serving-queue.ts'

interface Block extends Servable {
  readonly bytes: number
}

const BLOCK_BYTES_MAX = 400
const LIMITS: ServingLimits = {
  bytesMax: 2000,
  peerBytesMax: 300,
  peerTurnsMax: 3,
  quantumBytes: 100,
  newcomerBytes: 0,
  newcomerShare: 0.25,
  peerQueuedMax: 1000,
  queuedMax: 4000,
}

const blockBytes = fc.integer({ min: 1, max: BLOCK_BYTES_MAX })
/** What each of some peers asks for. */
const crowd = fc.array(fc.array(blockBytes, { minLength: 1, maxLength: 60 }), { minLength: 2, maxLength: 6 })

describe('whatever peers ask of a ServingQueue', () => {
  it('two that wait from the start are at no time further apart than a quantum and a block', () => {
    fc.assert(
      fc.property(crowd, (asked) => {
        const queue = new ServingQueue<Block>(LIMITS)
        const waiting = new Map(asked.map((sizes, i) => [`peer-${i}`, sizes.length]))
        for (const [i, sizes] of asked.entries()) queue.add(`peer-${i}`, sizes.map(blockOf))
        const served = new Map([...waiting.keys()].map((peer) => [peer, 0]))
        // As long as all of them still wait for something.
        while ([...waiting.values()].every((count) => count > 0)) {
          const turn = send(queue)
          served.set(turn.peer, served.get(turn.peer)! + turn.block.bytes)
          waiting.set(turn.peer, waiting.get(turn.peer)! - 1)
          const apart = Math.max(...served.values()) - Math.min(...served.values())
          assert.ok(apart <= LIMITS.quantumBytes + BLOCK_BYTES_MAX, `${apart} bytes apart`)
        }
      }),
    )
  })

  it('everybody gets everything, whoever comes when', () => {
    const arrivals = fc.array(fc.tuple(fc.nat({ max: 5 }), fc.array(blockBytes, { minLength: 1, maxLength: 8 }), fc.nat({ max: 4 })), {
      maxLength: 40,
    })
    fc.assert(
      fc.property(arrivals, fc.nat({ max: 1000 }), (steps, newcomerBytes) => {
        const queue = new ServingQueue<Block>({ ...LIMITS, newcomerBytes })
        let askedCount = 0
        let servedCount = 0
        for (const [peer, sizes, turns] of steps) {
          queue.add(`peer-${peer}`, sizes.map(blockOf))
          askedCount += sizes.length
          for (let i = 0; i < turns && queue.queuedCount > 0; i++, servedCount++) send(queue)
        }
        for (; queue.queuedCount > 0; servedCount++) send(queue)
        assert.deepEqual([servedCount, queue.heldBytes], [askedCount, 0])
      }),
    )
  })

  it('newcomers get no more than their share before their turn, and one block', () => {
    fc.assert(
      fc.property(
        crowd,
        fc.integer({ min: 1, max: 3000 }),
        fc.double({ min: 0, max: 0.9, noNaN: true }),
        (asked, newcomerBytes, newcomerShare) => {
          const queue = new ServingQueue<Block>({ ...LIMITS, newcomerBytes, newcomerShare })
          for (const [i, sizes] of asked.entries()) queue.add(`peer-${i}`, sizes.map(blockOf))
          let slotBytes = 0
          let bytes = 0
          while (queue.queuedCount > 0) {
            const { isNewcomer, block } = send(queue)
            bytes += block.bytes
            if (isNewcomer) slotBytes += block.bytes
            assert.ok(slotBytes <= newcomerShare * bytes + BLOCK_BYTES_MAX, `${slotBytes} of ${bytes}`)
          }
        },
      ),
    )
  })

  it('memory keeps to its bounds, and what is taken back comes again', () => {
    const action = fc.oneof(
      fc.record({
        type: fc.constant('add' as const),
        peer: fc.nat({ max: 5 }),
        sizes: fc.array(blockBytes, { minLength: 1, maxLength: 20 }),
      }),
      fc.record({ type: fc.constant('next' as const) }),
      fc.record({ type: fc.constantFrom('loaded' as const, 'release' as const, 'putBack' as const), which: fc.nat() }),
      fc.record({ type: fc.constant('stall' as const), peer: fc.nat({ max: 5 }), isStalled: fc.boolean() }),
    )
    fc.assert(
      fc.property(fc.array(action, { maxLength: 300 }), (actions) => {
        const queue = new ServingQueue<Block>({ ...LIMITS, newcomerBytes: 500 })
        const reading: Turn<Block>[] = []
        const sending: Turn<Block>[] = []
        let askedCount = 0
        let sentCount = 0
        for (const step of actions) {
          if (step.type === 'add') {
            if (queue.add(`peer-${step.peer}`, step.sizes.map(blockOf)) === undefined) askedCount += step.sizes.length
          } else if (step.type === 'next') {
            const turn = queue.next()
            if (turn !== undefined) reading.push(turn)
          } else if (step.type === 'stall') {
            queue.setStalled(`peer-${step.peer}`, step.isStalled)
          } else if (step.type === 'loaded') {
            const [turn] = reading.splice(step.which % Math.max(1, reading.length), 1)
            if (turn === undefined) continue
            queue.loaded(turn, turn.block.bytes)
            sending.push(turn)
          } else {
            const [turn] = sending.splice(step.which % Math.max(1, sending.length), 1)
            if (turn === undefined) continue
            if (step.type === 'release') sentCount += 1
            queue[step.type](turn)
          }
          const held = [
            ...reading.map(({ peer }) => [peer, BLOCK_BYTES_MAX] as const),
            ...sending.map(({ peer, block }) => [peer, block.bytes] as const),
          ]
          assert.equal(
            queue.heldBytes,
            held.reduce((sum, [, bytes]) => sum + bytes, 0),
          )
          assert.ok(queue.heldBytes <= LIMITS.bytesMax)
          for (const [peer] of held) {
            const own = held.filter(([other]) => other === peer)
            assert.ok(own.length <= LIMITS.peerTurnsMax)
            assert.ok(own.reduce((sum, [, bytes]) => sum + bytes, 0) < LIMITS.peerBytesMax + BLOCK_BYTES_MAX)
          }
          assert.equal(queue.queuedCount + reading.length + sending.length + sentCount, askedCount)
        }
      }),
    )
  })
})

function blockOf(bytes: number): Block {
  return { bytes, bytesMax: BLOCK_BYTES_MAX }
}

/** The next turn, sent at once. */
function send(queue: ServingQueue<Block>): Turn<Block> {
  const turn = queue.next()
  assert.ok(turn !== undefined, 'somebody waits, and nobody is served')
  queue.loaded(turn, turn.block.bytes)
  queue.release(turn)
  return turn
}
