import assert from 'node:assert/strict'
import { appendFile, chmod, mkdir, readFile, rename, rm, symlink, unlink, writeFile } from 'node:fs/promises'
import { describe, it } from 'node:test'
import { type VerifyProgress, verifyDirectory } from '../src/index.ts'
import { sampleSnapshot, writeSample } from '../src/testing/index.ts'
import { oddTree } from './place/trees.ts'
import { temporaryDirectory } from './temporary-directory.ts'

const { index } = sampleSnapshot(oddTree)
const clean = { ok: true, altered: [], missing: [], extra: [], wrongMode: [], wrongLink: [], renamed: [] }

describe('verifyDirectory', () => {
  it('accepts what was published, .cairn or not', async () => {
    await using directory = await temporaryDirectory()
    await writeSample(directory.path, oddTree)
    await mkdir(directory.join('.cairn'))
    await writeFile(directory.join('.cairn', 'journal'), '')
    const progress: VerifyProgress[] = []
    assert.deepEqual(await verifyDirectory(directory.path, index, { onProgress: (now) => progress.push(now) }), clean)
    assert.deepEqual(progress.at(-1), { bytesDone: index.root.totals.bytes, bytesTotal: index.root.totals.bytes })
  })

  it('lists every kind of difference once', async () => {
    await using directory = await temporaryDirectory()
    await writeSample(directory.path, oddTree)
    const zeros = await readFile(directory.join('zeros'))
    zeros[20_000] = 1
    await writeFile(directory.join('zeros'), zeros)
    await appendFile(directory.join('db', '000006.ldb'), 'more')
    await rm(directory.join('db', 'CURRENT'))
    await rm(directory.join('db', 'LOCK'))
    await mkdir(directory.join('db', 'LOCK'))
    await mkdir(directory.join('more', 'below'), { recursive: true })
    await symlink('nowhere', directory.join('db', 'extra'))
    await chmod(directory.join('a', 'empty'), 0o700)
    await chmod(directory.join('db', '000005.ldb'), 0o600)
    await unlink(directory.join('outside'))
    await symlink('/etc/shadow', directory.join('outside'))
    const report = await verifyDirectory(directory.path, index)
    assert.deepEqual(
      { ...report, extra: report.extra.toSorted() },
      {
        ok: false,
        altered: ['db/LOCK', 'db/000006.ldb', 'zeros'],
        missing: ['db/CURRENT'],
        extra: ['db/extra', 'more'],
        wrongMode: ['db/000005.ldb', 'a/empty'],
        wrongLink: ['outside'],
        renamed: [],
      },
    )
  })

  it('finds a missing file under another name, if all of it is there', async () => {
    await using directory = await temporaryDirectory()
    await writeSample(directory.path, oddTree)
    await rename(directory.join('db', '000005.ldb'), directory.join('elsewhere'))
    assert.deepEqual((await verifyDirectory(directory.path, index)).renamed, [{ path: 'db/000005.ldb', found: 'elsewhere' }])
    const content = await readFile(directory.join('elsewhere'))
    content[content.byteLength - 1]! ^= 1
    await writeFile(directory.join('elsewhere'), content)
    assert.deepEqual((await verifyDirectory(directory.path, index)).renamed, [])
  })

  it('names the damaged chunks', async () => {
    await using directory = await temporaryDirectory()
    await writeSample(directory.path, oddTree)
    const content = await readFile(directory.join('db', '000005.ldb'))
    content[content.byteLength - 1]! ^= 1
    await writeFile(directory.join('db', '000005.ldb'), content)
    const damaged: number[] = []
    await verifyDirectory(directory.path, index, { onDamagedChunk: (chunk) => damaged.push(chunk) })
    const entry = index.entries.findIndex(({ path }) => path === 'db/000005.ldb')
    assert.deepEqual(damaged, [[...index.chunksOfFile(entry)].at(-1)!.chunk])
  })

  it('finds everything missing where there is nothing', async () => {
    const report = await verifyDirectory('/nonexistent/cairn', index)
    assert.equal(report.missing.length, index.entries.length)
  })

  it('stops when it is told to', async () => {
    await using directory = await temporaryDirectory()
    await writeSample(directory.path, oddTree)
    const controller = new AbortController()
    const reason = new Error('enough')
    const verified = verifyDirectory(directory.path, index, { signal: controller.signal, onProgress: () => controller.abort(reason) })
    await assert.rejects(verified, reason)
  })
})
