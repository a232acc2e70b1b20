import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { ByteSemaphore } from '../src/index.ts'

describe('ByteSemaphore', () => {
  it('admits at once what fits', async () => {
    const semaphore = new ByteSemaphore(100)
    const releases = [await semaphore.acquire(60), await semaphore.acquire(40)]
    assert.equal(semaphore.usedBytes, 100)
    for (const release of releases) release()
    assert.equal(semaphore.usedBytes, 0)
  })

  it('lets a small request wait behind a large one, so that a large one gets its turn', async () => {
    const semaphore = new ByteSemaphore(100)
    const order: string[] = []
    const first = await semaphore.acquire(50)
    const second = await semaphore.acquire(40)
    const large = semaphore.acquire(80).then((release) => {
      order.push('large')
      return release
    })
    const small = semaphore.acquire(10).then((release) => {
      order.push('small')
      return release
    })
    await turn()
    assert.deepEqual(order, [], 'the small one would fit')
    first()
    await turn()
    assert.deepEqual(order, [])
    second()
    await Promise.all([large, small])
    assert.deepEqual(order, ['large', 'small'])
    assert.equal(semaphore.usedBytes, 90)
  })

  it('counts a request beyond the bound as the bound, instead of letting it wait for ever', async () => {
    const semaphore = new ByteSemaphore(100)
    const release = await semaphore.acquire(1000)
    assert.equal(semaphore.usedBytes, 100)
    release()
    assert.equal(semaphore.usedBytes, 0)
  })

  it('takes bytes back once, however often they are given back', async () => {
    const semaphore = new ByteSemaphore(100)
    const release = await semaphore.acquire(50)
    const other = await semaphore.acquire(50)
    release()
    release()
    assert.equal(semaphore.usedBytes, 50)
    other()
  })
})

function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}
