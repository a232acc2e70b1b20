import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { copyFile, mkdir, mkdtemp, readFile, rm, utimes, writeFile } from 'node:fs/promises'
import { type AddressInfo, connect, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { promisify } from 'node:util'
import { bencode } from './bench/contenders/bencode.ts'
import { pieceDigests } from './bench/contenders/torrent.ts'
import { Peers } from './bench/contenders/tracker.ts'
import { measureInTurns, type Sample } from './bench/harness.ts'
import { RoleProcess } from './bench/process.ts'
import { rankCosts, topCosts } from './bench/profile.ts'
import { Relay } from './bench/relay.ts'
import { benchReport, formatReport } from './bench/report.ts'
import { median, ratio } from './bench/statistics.ts'
import { measureReference } from './bench/tables/transfer.ts'
import { fileDigests, listFiles, totalBytes, treeDigest } from './bench/tree.ts'
import { costOfScript, makeChange } from './bench/updaters/updater.ts'
import { parseStat, processTree } from './bench/usage.ts'
import { generateFlatFile, generateOddTree } from './datasets/index.ts'

let directory: string
before(async () => {
  directory = await mkdtemp(join(tmpdir(), 'cairn-bench-test-'))
})
after(() => rm(directory, { recursive: true, force: true }))

const sample = (seconds: number): Sample => ({
  values: { seconds },
  usage: { source: { rssBytesMax: seconds, cpuSeconds: 1 }, 'node 0': { rssBytesMax: 7, cpuSeconds: seconds } },
})

describe('statistics', () => {
  it('takes medians and ratios', () => {
    assert.equal(median([3, 1, 2]), 2)
    assert.equal(median([4, 1, 2, 3]), 2.5)
    assert.equal(ratio(1, 4), 0.25)
    assert.equal(ratio(1, undefined), undefined)
    assert.equal(ratio(1, 0), undefined)
  })
})

describe('harness', () => {
  it('measures rows in turns, and finds medians and peaks', async () => {
    const order: string[] = []
    const seconds = { slow: [10, 40, 20], fast: [1, 1, 1] }
    const rows = (['fast', 'slow'] as const).map((name) => ({
      name,
      measure: (round: number) => {
        order.push(`${name}${round}`)
        return Promise.resolve(sample(seconds[name][round]!))
      },
    }))
    const results = await measureInTurns(rows, 3, () => {})
    assert.deepEqual(order, ['fast0', 'slow0', 'fast1', 'slow1', 'fast2', 'slow2'])
    assert.equal(results.median('slow', 'seconds'), 20)
    assert.equal(results.cpuSeconds('slow'), 21)
    assert.equal(results.rssBytesMax('slow'), 40)
    assert.equal(results.rssBytesMax('slow', 'node'), 7)
    assert.equal(results.median('slow', 'other'), undefined)
    assert.equal(results.rssBytesMax('other'), undefined)
  })

  it('goes on without a row that fails, and says why', async () => {
    const good = { name: 'good', measure: () => Promise.resolve(sample(1)) }
    const bad = {
      name: 'bad',
      measure: (round: number) => (round === 0 ? Promise.resolve(sample(2)) : Promise.reject(new Error('no luck'))),
    }
    const { rows } = await measureInTurns([bad, good], 3, () => {})
    assert.deepEqual(
      rows.map(({ name, samples, fault }) => [name, samples.length, fault]),
      [
        ['bad', 1, 'no luck'],
        ['good', 3, undefined],
      ],
    )
  })
})

describe('report', () => {
  const table = {
    title: 'Times',
    columns: ['', 'what', 's'],
    rows: [
      ['ours', 'a|b', '1.5'],
      ['theirs', 'c', '–'],
    ],
  }
  const targets = [
    { name: 'T1', is: 'time', value: 1.5, max: 2 },
    { name: 'T2', is: 'bytes', value: 3, max: 2 },
    { name: 'T3', is: 'memory', value: undefined, max: 2 },
  ]
  const rows = [{ name: 'theirs', samples: [], fault: 'broken' }]
  const report = benchReport('', { bench: 'b', parameters: { runs: 1 }, rows, tables: [table], targets, notes: ['noisy'] })

  it('is a table on a terminal', () => {
    const text = formatReport(report, 'text')
    assert.match(text, /^ours {4}a\|b {3}1\.5\ntheirs {2}c {7}–$/m)
    assert.match(text, /^T1 .* met$/m)
    assert.match(text, /^T2 .* missed$/m)
    assert.match(text, /^T3 .* not measured$/m)
    assert.match(text, /^noisy\nfailed: theirs: broken$/m)
  })

  it('is a table in Markdown', () => {
    assert.match(
      formatReport(report, 'markdown'),
      /^\*\*Times\*\*\n\n\| {8}\| what \| {3}s \|\n\| -{6} \| -{4} \| --: \|\n\| ours {3}\| a\\\|b \| 1\.5 \|$/m,
    )
  })
})

describe('usage', () => {
  it('reads a process whose name tries to confuse', () => {
    const stat = '42 (a) R 1 2) S 7 42 42 0 -1 4194560 100 200 0 0 150 50 30 20 20 0 1 0 1'
    assert.deepEqual(parseStat(stat), { parent: 7, cpuSeconds: 2.5 })
  })

  it('finds all descendants and nobody else', () => {
    const parents = new Map([
      [1, 0],
      [5, 1],
      [6, 5],
      [7, 6],
      [8, 1],
    ])
    assert.deepEqual(processTree(5, parents), [5, 6, 7])
  })
})

describe('relay', () => {
  it('passes bytes on unharmed in both directions, also to readers that are slow', async () => {
    const sent = Buffer.alloc(8 * 1024 ** 2, 'cairn')
    const echo = createServer({ allowHalfOpen: true }, (socket) => socket.pipe(socket)).listen(0, '127.0.0.1')
    await once(echo, 'listening')
    await using relay = await Relay.listen({ host: '127.0.0.1', port: (echo.address() as AddressInfo).port, delayMs: 5 })
    const socket = connect({ host: '127.0.0.1', port: relay.port })
    socket.end(sent)
    const parts: Buffer[] = []
    for await (const part of socket) {
      parts.push(part as Buffer)
      if (parts.length === 1) await nextTurn()
    }
    assert.ok(Buffer.concat(parts).equals(sent))
    assert.equal(relay.bytesPassed, 2 * sent.length)
    echo.close()
  })

  it('hangs up when the other side cannot be reached', async () => {
    const closed = createServer().listen(0, '127.0.0.1')
    await once(closed, 'listening')
    const { port } = closed.address() as AddressInfo
    closed.close()
    await once(closed, 'close')
    await using relay = await Relay.listen({ host: '127.0.0.1', port, delayMs: 1 })
    const socket = connect({ host: '127.0.0.1', port: relay.port })
    socket.on('error', () => {})
    await once(socket, 'close')
  })
})

describe('BitTorrent', () => {
  it('encodes as BEP 3 says', () => {
    assert.equal(bencode({ b: 1, a: ['x', Buffer.from('yz')], 'a b': -3 }).toString(), 'd1:al1:x2:yze3:a bi-3e1:bi1ee')
  })

  it('cuts pieces across files', async () => {
    const paths = [join(directory, 'piece-0'), join(directory, 'piece-1'), join(directory, 'piece-2')]
    const contents = ['abc', '', 'defgh']
    for (const [index, path] of paths.entries()) await writeFile(path, contents[index]!)
    const expected = ['abcd', 'efgh'].map((piece) => createHash('sha1').update(piece).digest())
    assert.deepEqual(await pieceDigests(paths, 4), Buffer.concat(expected))
    assert.equal((await pieceDigests(paths, 5)).length, 40)
  })

  it('tells a peer of the others', () => {
    const peers = new Peers()
    peers.add('10.0.0.1', 4001)
    peers.add('10.0.0.2', 258)
    const answer = peers.answer('10.0.0.1', 4001).toString('latin1')
    assert.equal(answer, 'd8:intervali1e12:min intervali1e5:peers6:\n\0\0\x02\x01\x02e')
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
    assert.equal((await measureReference(payload, 1, undefined)).values['bytes'], payload.bytes)
    assert.equal((await measureReference(payload, 4, join(directory, 'received'))).values['bytes'], payload.bytes * 4)
  })
})

describe('update', () => {
  it('has archives that depend on names and contents only', async () => {
    const [first, second] = [join(directory, 'archived-1'), join(directory, 'archived-2')]
    for (const path of [first, second]) await mkdir(path)
    await writeFile(join(first, 'b'), 'b')
    await writeFile(join(first, 'a'), 'a')
    for (const name of ['a', 'b']) await copyFile(join(first, name), join(second, name))
    await utimes(join(second, 'a'), 1, 1)
    const { from, to, isBack } = await makeChange(first, second, true, join(directory, 'archives'))
    assert.deepEqual([from.bytes, from.digest, isBack], [to.bytes, to.digest, true])
    assert.ok((await readFile(from.archive)).equals(await readFile(to.archive)))
    assert.deepEqual([...(await fileDigests(first)).keys()], ['a', 'b'])
  })

  it('fails when a step of a script does', async () => {
    await assert.rejects(costOfScript('test', 'false; true'), /test ended with exit code 1/)
    await assert.rejects(costOfScript('test', 'false | true'), /test ended with exit code 1/)
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
