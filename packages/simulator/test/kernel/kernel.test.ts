import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { Kernel } from '../../src/kernel/kernel.ts'

describe('the kernel', () => {
  it('runs what is due by time, then in the order of scheduling', () => {
    const kernel = new Kernel()
    const ran: string[] = []
    kernel.schedule(5, () => ran.push('c'))
    kernel.schedule(1, () => {
      ran.push('a')
      kernel.schedule(0, () => ran.push('b'))
      kernel.schedule(4, () => ran.push('d'))
    })
    assert.equal(
      kernel.run(100, 100, () => false),
      'idle',
    )
    assert.deepEqual(ran, ['a', 'b', 'c', 'd'])
    assert.equal(kernel.now, 5)
  })

  it('keeps the order of a thousand tasks', () => {
    const kernel = new Kernel()
    const ran: (readonly [number, number])[] = []
    for (let index = 0; index < 1000; index++) {
      const at = (index * 7919) % 101
      kernel.schedule(at, () => ran.push([at, index]))
    }
    kernel.run(1000, 10_000, () => false)
    assert.deepEqual(
      ran,
      ran.toSorted(([a, i], [b, j]) => a - b || i - j),
    )
  })

  it('stops at a time, after so many steps, or when told to', () => {
    const kernel = new Kernel()
    for (let at = 1; at <= 10; at++) kernel.schedule(at, () => {})
    assert.equal(
      kernel.run(3, 100, () => false),
      'time',
    )
    assert.equal(kernel.steps, 3)
    assert.equal(
      kernel.run(100, 2, () => false),
      'steps',
    )
    assert.equal(
      kernel.run(100, 100, () => kernel.steps === 6),
      'stopped',
    )
    assert.equal(kernel.pending, 4)
  })

  it('hashes what happened', () => {
    const hash = (delays: readonly number[]): string => {
      const kernel = new Kernel()
      for (const delay of delays) kernel.schedule(delay, () => kernel.trace.text('x'))
      kernel.run(100, 100, () => false)
      return kernel.trace.toString()
    }
    assert.equal(hash([1, 2, 3]), hash([3, 2, 1]))
    assert.notEqual(hash([1, 2, 3]), hash([1, 2, 4]))
    assert.notEqual(hash([1, 2]), hash([1, 2, 2]))
  })
})
