import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { describe, it } from 'node:test'
import { fileURLToPath } from 'node:url'

const BIN = fileURLToPath(new URL('../bin/cairn.js', import.meta.url))
const SYSTEM_NODE = '/usr/bin/node'

describe('bin', () => {
  it('runs, prints nothing but what was asked for, and hands on the exit code', async () => {
    assert.deepEqual(await run(process.execPath, [BIN, '--version']), { exitCode: 0, stdout: '0.1.0\n', stderr: '' })
    const usage = await run(process.execPath, [BIN, 'join', 'mainnet', '--json'])
    assert.equal(usage.exitCode, 2)
    assert.deepEqual(Object.keys(JSON.parse(usage.stdout) as object), ['type', 'code', 'message', 'hint', 'exitCode'])
    assert.match(usage.stderr, /^cairn: --trust FILE is missing.*\nhint: .*\n$/)
    const away = await run(process.execPath, [BIN, 'status', '127.0.0.1:9', '--timeout', '5s'])
    assert.equal(away.exitCode, 1)
    assert.match(away.stderr, /^cairn: no answer from http:\/\/127\.0\.0\.1:9\/status: .*\nhint: .*\n$/)
  })

  it('says in one sentence which Node it needs', async () => {
    const pretend = `Object.defineProperty(process,'versions',{value:{...process.versions,node:'12.22.12'}})`
    const old = await run(process.execPath, ['--import', `data:text/javascript,${encodeURIComponent(pretend)}`, BIN, 'demo'])
    assert.deepEqual(old, { exitCode: 1, stdout: '', stderr: 'cairn needs Node 24 or newer, this is Node 12.22.12.\n' })
  })

  it('says so under a Node that is really old', async (t) => {
    if (!existsSync(SYSTEM_NODE)) return t.skip('there is no other Node here')
    const { stdout } = await run(SYSTEM_NODE, ['--version'])
    if (Number(/^v(\d+)/.exec(stdout)?.[1]) >= 24) return t.skip(`the other Node is ${stdout.trim()}`)
    const old = await run(SYSTEM_NODE, [BIN])
    assert.equal(old.exitCode, 1)
    assert.match(old.stderr, /^cairn needs Node 24 or newer, this is Node [\d.]+\.\n$/)
  })
})

async function run(node: string, args: readonly string[]): Promise<{ exitCode: number | null; stdout: string; stderr: string }> {
  const child = spawn(node, args, { stdio: ['ignore', 'pipe', 'pipe'], env: { PATH: process.env['PATH'] } })
  const texts = Promise.all([child.stdout.toArray(), child.stderr.toArray()])
  const exitCode = await new Promise<number | null>((resolve, reject) => child.once('error', reject).once('exit', resolve))
  const [stdout, stderr] = (await texts).map((parts) => Buffer.concat(parts as Buffer[]).toString('utf8'))
  return { exitCode, stdout: stdout ?? '', stderr: stderr ?? '' }
}
