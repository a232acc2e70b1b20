import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { setImmediate as macrotask } from 'node:timers/promises'
import { Turns, type TurnTaker } from '../../src/libp2p/turns.ts'

describe('Turns', () => {
  test('everyone writes one frame before anyone writes two, from where the last round ended', async () => {
    const written: string[] = []
    let room = 0
    const turns = new Turns()
    for (const name of ['a', 'b', 'c', 'd', 'e']) {
      turns.enter({ canWrite: () => room > 0, writeNext: () => (room--, written.push(name) > 0) })
    }
    for (room = 3; written.length < 9; room = 3) {
      turns.onDrain()
      await macrotask()
    }
    assert.equal(written.join(''), 'abcdeabcd')
  })

  test('one that cannot write holds up nobody, and keeps its place', async () => {
    const written: string[] = []
    const turns = new Turns()
    let isBlocked = true
    turns.enter({ canWrite: () => !isBlocked, writeNext: () => written.push('blocked') < 0 })
    turns.enter(taker(written, 'free', 2))
    turns.onDrain()
    await macrotask()
    assert.deepEqual(written, ['free', 'free'])
    isBlocked = false
    turns.onDrain()
    await macrotask()
    assert.deepEqual(written, ['free', 'free', 'blocked'])
  })

  test('comes after what the streams themselves do on a drain', async () => {
    const written: string[] = []
    const turns = new Turns()
    turns.enter(taker(written, 'channel', 1))
    turns.onDrain()
    queueMicrotask(() => written.push('ping'))
    await macrotask()
    assert.deepEqual(written, ['ping', 'channel'])
  })

  test('one that has left is not asked again', async () => {
    const written: string[] = []
    const turns = new Turns()
    const leaving = taker(written, 'leaving', 5)
    turns.enter(leaving)
    turns.enter(taker(written, 'staying', 1))
    turns.leave(leaving)
    turns.onDrain()
    await macrotask()
    assert.deepEqual(written, ['staying'])
  })
})

function taker(written: string[], name: string, frames: number): TurnTaker {
  let left = frames
  return { canWrite: () => true, writeNext: () => (written.push(name), --left > 0) }
}
