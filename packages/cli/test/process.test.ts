// Goal: under a real process, signals and crashes end a command as documented, and a reader that leaves does not.
// Method: a child runs `main` with a handler of the test's; it prints a line once the handler runs.
import assert from 'node:assert/strict'
import { type ChildProcessByStdio, spawn } from 'node:child_process'
import { once } from 'node:events'
import type { Readable } from 'node:stream'
import { describe, it } from 'node:test'

const MAIN = new URL('../src/main.ts', import.meta.url).href

type Child = ChildProcessByStdio<null, Readable, Readable>

describe('process', () => {
  it('stops a daemon cleanly on SIGTERM', async () => {
    const child =
      start(`await new Promise((resolve) => { hold = setInterval(() => {}, 1000); io.signal.addEventListener('abort', resolve) })
      clearInterval(hold)
      io.say({ type: 'stopped' }, 'stopped')`)
    await once(child.stdout, 'data')
    child.kill('SIGTERM')
    assert.deepEqual(await end(child), { exitCode: 0, stdout: 'stopped\n', stderr: '' })
  })

  it('ends at once on the second signal', async () => {
    const child = start(`io.signal.addEventListener('abort', () => io.say({ type: 'cleaning' }, 'cleaning'))
      await new Promise(() => setInterval(() => {}, 1000))`)
    await once(child.stdout, 'data')
    child.kill('SIGINT')
    await once(child.stdout, 'data')
    child.kill('SIGINT')
    assert.equal((await end(child)).exitCode, 130)
  })

  it('explains a rejection that nobody handled, without a stack', async () => {
    const child = start(`void Promise.reject(Object.assign(new Error('write failed'), { code: 'EIO' }))
      await new Promise(() => setInterval(() => {}, 1000))`)
    const { exitCode, stderr } = await end(child)
    assert.equal(exitCode, 5)
    assert.match(stderr, /^cairn: write failed\nhint: .*\n$/)
  })

  it('outlives whoever read its output', async () => {
    const child =
      start(`await new Promise((resolve) => { hold = setInterval(() => io.say({ type: 'line' }, 'line'), 1); io.signal.addEventListener('abort', resolve) })
      clearInterval(hold)
      io.note('still here')`)
    await once(child.stdout, 'data')
    child.stdout.destroy()
    await once(child.stdout, 'close')
    child.kill('SIGTERM')
    const { exitCode, stderr } = await end(child)
    assert.equal(exitCode, 0)
    assert.equal(stderr, 'still here\n')
  })
})

/** Runs `cairn origin` with `body` as its handler, which has `io`. */
function start(body: string): Child {
  const script = `import { main } from ${JSON.stringify(MAIN)}
    let hold
    process.exitCode = await main(['origin', '--workspace', 'w', '--log-level', 'silent'], undefined, {
      origin: async (options, io) => { io.say({ type: 'running' }, 'running'); ${body} },
    })`
  return spawn(process.execPath, ['--input-type=module', '-e', script], { stdio: ['ignore', 'pipe', 'pipe'] })
}

async function end(child: Child): Promise<{ exitCode: number | null; stdout: string; stderr: string }> {
  const [exit, stdout, stderr] = await Promise.all([once(child, 'exit'), readAll(child.stdout), readAll(child.stderr)])
  return { exitCode: exit[0] as number | null, stdout, stderr }
}

async function readAll(stream: Readable): Promise<string> {
  return stream.destroyed ? '' : Buffer.concat((await stream.toArray()) as Buffer[]).toString('utf8')
}
