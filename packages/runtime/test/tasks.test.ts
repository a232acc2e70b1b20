import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { sleep, Tasks } from '../src/index.ts'
import { ManualClock } from '../src/testing/index.ts'

describe('Tasks', () => {
  it('counts what runs, and forgets what has ended', async () => {
    await using tasks = new Tasks(unexpected)
    const work = Promise.withResolvers<void>()
    tasks.spawn('waits', () => work.promise)
    tasks.spawn('ends at once', async () => {})
    assert.equal(tasks.runningCount, 2)
    work.resolve()
    await settled(() => tasks.runningCount === 0)
  })

  it('tells of a task that failed, by name, and goes on with the others', async () => {
    const errors: string[] = []
    await using tasks = new Tasks((error, name) => errors.push(`${name}: ${String(error)}`))
    const other = Promise.withResolvers<void>()
    tasks.spawn('other', () => other.promise)
    tasks.spawn('broken', () => Promise.reject(new Error('out of luck')))
    await settled(() => errors.length > 0)
    assert.deepEqual(errors, ['broken: Error: out of luck'])
    assert.deepEqual([tasks.signal.aborted, tasks.runningCount], [false, 1])
    other.resolve()
  })

  it('ends every task when stopped, and resolves after the last', async () => {
    const clock = new ManualClock()
    const tasks = new Tasks(unexpected)
    const ended: string[] = []
    const reason = new Error('enough')
    tasks.spawn('sleeper', async (signal) => {
      await sleep(clock, 60_000, signal).finally(() => ended.push('sleeper'))
    })
    const cleanup = Promise.withResolvers<void>()
    tasks.spawn('cleaner', async (signal) => {
      await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }))
      assert.equal(signal.reason, reason)
      await cleanup.promise
      ended.push('cleaner')
    })
    let isStopped = false
    const stopped = tasks.stop(reason).then(() => (isStopped = true))
    await settled(() => ended.includes('sleeper'))
    assert.equal(isStopped, false)
    cleanup.resolve()
    await stopped
    assert.deepEqual(ended, ['sleeper', 'cleaner'])
    assert.equal(tasks.runningCount, 0)
  })

  it('starts nothing any more once it is stopped', async () => {
    const tasks = new Tasks(unexpected)
    await tasks.stop()
    tasks.spawn('late', () => assert.fail('it was started'))
    assert.equal(tasks.runningCount, 0)
    await tasks.stop()
  })

  it('takes whatever a task throws while it is being stopped for its way of ending', async () => {
    const tasks = new Tasks(unexpected)
    tasks.spawn('fails late', async (signal) => {
      await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }))
      throw new Error('the connection broke')
    })
    await tasks.stop()
  })

  it('waits for what its own tasks spawned before the stop', async () => {
    const tasks = new Tasks(unexpected)
    const inner = Promise.withResolvers<void>()
    tasks.spawn('outer', async () => tasks.spawn('inner', () => inner.promise))
    let isStopped = false
    const stopped = tasks.stop().then(() => (isStopped = true))
    await new Promise((resolve) => setImmediate(resolve))
    assert.equal(isStopped, false)
    inner.resolve()
    await stopped
  })

  it('stops at the end of its block', async () => {
    let signal: AbortSignal
    {
      await using tasks = new Tasks(unexpected)
      signal = tasks.signal
    }
    assert.equal(signal.aborted, true)
  })
})

function unexpected(error: unknown, name: string): void {
  assert.fail(`${name} failed: ${String(error)}`)
}

/** Lets promises run until `condition` holds. */
async function settled(condition: () => boolean): Promise<void> {
  for (let turn = 0; !condition(); turn++) {
    assert.ok(turn < 1000, `it has not come about: ${String(condition)}`)
    await new Promise((resolve) => setImmediate(resolve))
  }
}
