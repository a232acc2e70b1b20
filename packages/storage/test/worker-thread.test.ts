import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { WorkerThread } from '../src/index.ts'

const startEcho = (): WorkerThread<string, string> => new WorkerThread(new URL('./threads/echo-worker.ts', import.meta.url), {})

describe('WorkerThread', () => {
  it('answers one call after the other', async () => {
    await using thread = startEcho()
    assert.equal(await thread.call('one'), 'one!')
    assert.equal(await thread.call('two'), 'two!')
  })

  it('rejects the call in which it fails, and all later ones', async () => {
    await using thread = startEcho()
    await assert.rejects(thread.call('throw'), /thrown by the thread/)
    await assert.rejects(thread.call('one'), /thrown by the thread/)
  })

  it('rejects the call in which it ends', async () => {
    await using thread = startEcho()
    await assert.rejects(thread.call('exit'), /ended with code 3/)
    await assert.rejects(thread.call('one'), /ended with code 3/)
  })

  it('rejects calls of a module that is not there', async () => {
    await using thread = new WorkerThread<string, string>(new URL('./threads/absent-worker.ts', import.meta.url), {})
    await assert.rejects(thread.call('one'), /Cannot find module/)
  })

  it('stops a thread that is busy', async () => {
    const thread = startEcho()
    assert.equal(await thread.call('one'), 'one!')
    const call = assert.rejects(thread.call('forever'), /ended/)
    await thread[Symbol.asyncDispose]()
    await call
    await thread[Symbol.asyncDispose]()
  })
})
