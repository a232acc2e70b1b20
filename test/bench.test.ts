import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { promisify } from 'node:util'
import { formatResult, measureRows, type Sample } from './bench/harness.ts'
import { currentSetting } from './bench/machine.ts'
import { RoleProcess } from './bench/process.ts'
import { rankCosts, topCosts } from './bench/profile.ts'
import { median } from './bench/statistics.ts'
import { measureReference } from './bench/transfer.ts'
import { listFiles, totalBytes, treeDigest } from './bench/tree.ts'
import { generateFlatFile, generateOddTree } from './datasets/index.ts'

let directory: string
before(async () => {
  directory = await mkdtemp(join(tmpdir(), 'cairn-bench-test-'))
})
after(() => rm(directory, { recursive: true, force: true }))

const sample = (mib: number): Sample => ({ bytes: mib * 1024 ** 2, seconds: 1, usage: {} })

describe('harness', () => {
  it('takes medians', () => {
    assert.equal(median([3, 1, 2]), 2)
    assert.equal(median([4, 1, 2, 3]), 2.5)
  })

  it('runs rows in turns and compares a row with its reference', async () => {
    const order: string[] = []
    const rates = { slow: [10, 40, 20], fast: [100, 100, 100] }
    const rows = (['fast', 'slow'] as const).map((name) => ({
      name,
      ...(name === 'slow' && { reference: 'fast' }),
      measure: (run: number) => {
        order.push(`${name}${run}`)
        return Promise.resolve(sample(rates[name][run]!))
      },
    }))
    const results = await measureRows(rows, 3, () => {})
    assert.deepEqual(order, ['fast0', 'slow0', 'fast1', 'slow1', 'fast2', 'slow2'])
    assert.deepEqual(
      results.map(({ mibPerSecondMedian, ratio }) => [mibPerSecondMedian, ratio]),
      [
        [100, undefined],
        [20, 0.2],
      ],
    )
    const text = formatResult({ bench: 'b', startedAt: '', setting: currentSetting(), parameters: {}, rows: results, notes: [] })
    assert.match(text, /^slow +20 +0\.20 +fast +10 40 20$/m)
  })
})

describe('role process', () => {
  const node = (script: string): RoleProcess => new RoleProcess({ role: 'test', command: process.execPath, args: ['-e', script] })

  it('waits for a line, reads what the process costs, and stops it', async () => {
    await using role = node(`console.log('first'); console.log('listening 42'); setInterval(() => {}, 1000)`)
    assert.equal((await role.line(/^listening (\d+)$/))[1], '42')
    if (process.platform === 'linux') assert.ok(role.usage.rssBytesMax > 1024 ** 2 && role.usage.cpuSeconds > 0)
    await role.stop()
  })

  it('says what a process that fails said', async () => {
    await assert.rejects(node(`console.error('no such thing'); process.exit(3)`).succeeded(), /exit code 3:\nno such thing/)
    await assert.rejects(node(`console.error('no such thing')`).line(/listening/), /ended without a line like .*\nno such thing/)
  })
})

describe('plain TCP', () => {
  it('delivers a directory to one and to four', async () => {
    const source = join(directory, 'source')
    await generateOddTree(source)
    await generateFlatFile({ path: join(source, 'flat'), bytes: 3_000_001, seed: 1, version: 1, insertions: 0 })
    const payload = { directory: source, bytes: totalBytes(await listFiles(source)), digest: await treeDigest(source) }
    assert.equal((await measureReference(payload, 1, undefined)).bytes, payload.bytes)
    assert.equal((await measureReference(payload, 4, join(directory, 'received'))).bytes, payload.bytes * 4)
  })
})

describe('profile', () => {
  it('finds the function that a real process spends its time in', async () => {
    const script = join(directory, 'burn.mjs')
    const profiles = join(directory, 'profiles')
    await writeFile(script, 'function burn() { let x = 1; for (let i = 1; i < 2e8; i++) x = (x * i) % 7919; return x }\nburn()\n')
    await promisify(execFile)(process.execPath, ['--cpu-prof', `--cpu-prof-dir=${profiles}`, script])
    const costs = await topCosts(profiles, 5)
    assert.ok(costs.length <= 5)
    assert.match(costs[0]!.name, /^burn .*burn\.mjs:1$/)
    assert.ok(costs[0]!.share > 0.3)
  })

  it('adds up threads, leaves out idling and shortens paths', () => {
    const frame = (id: number, functionName: string, url: string): object => ({ id, callFrame: { functionName, url, lineNumber: 9 } })
    const thread = {
      nodes: [frame(1, '(idle)', ''), frame(2, 'hash', 'file:///a/packages/b/src/c.ts'), frame(3, '', 'file:///a/node_modules/d/e.js')],
      samples: [1, 2, 3],
      timeDeltas: [0, 1_000_000, 3_000_000, 1_000_000],
    } as unknown as Parameters<typeof rankCosts>[0][number]
    assert.deepEqual(rankCosts([thread, thread]), [
      { name: 'hash packages/b/src/c.ts:10', share: 0.75, seconds: 6 },
      { name: '(anonymous) d/e.js:10', share: 0.25, seconds: 2 },
    ])
  })
})
