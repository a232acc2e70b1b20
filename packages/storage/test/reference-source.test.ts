import assert from 'node:assert/strict'
import { appendFile, readFile, rm, utimes, writeFile } from 'node:fs/promises'
import { describe, it } from 'node:test'
import { decodeFrame, parseCid, plainFrame } from '@cairn/protocol'
import { MemoryBlockStore, ReferenceSource } from '../src/index.ts'
import { sampleSnapshot, writeSample } from '../src/testing/index.ts'
import { faultOf } from './fault.ts'
import { oddTree } from './place/trees.ts'
import { temporaryDirectory } from './temporary-directory.ts'

const snapshot = sampleSnapshot(oddTree)
const { index } = snapshot

async function pageStore(): Promise<MemoryBlockStore> {
  const pages = new MemoryBlockStore()
  for (const [cid, bytes] of snapshot.pages) await pages.put(parseCid(cid), plainFrame(bytes))
  return pages
}

describe('ReferenceSource', () => {
  it('serves every chunk and page from the published directory', async () => {
    await using directory = await temporaryDirectory()
    await writeSample(directory.path, oddTree)
    const source = new ReferenceSource({ root: directory.path, index, pages: await pageStore() })
    for (let chunk = 0; chunk < index.chunksCount; chunk++) {
      const cid = index.chunkCid(chunk)
      assert.equal(source.has(cid), true)
      assert.deepEqual(Buffer.from(decodeFrame((await source.get(cid))!, 1 << 20)), Buffer.from(snapshot.plain(chunk)))
    }
    assert.deepEqual(Buffer.from((await source.get(index.cid))!), Buffer.from(plainFrame(snapshot.pages.get(index.cid.toString())!)))
    const unknown = sampleSnapshot([], 9).index.cid
    assert.deepEqual([source.has(unknown), await source.get(unknown)], [false, undefined])
    assert.deepEqual(await source.check(), [])
  })

  it('notices a changed byte before it serves it, says so once, and offers the file no more', async () => {
    await using directory = await temporaryDirectory()
    await writeSample(directory.path, oddTree)
    const changed: string[] = []
    const source = new ReferenceSource({ root: directory.path, index, pages: await pageStore(), onChanged: (path) => changed.push(path) })
    const zeros = await readFile(directory.join('zeros'))
    await writeFile(directory.join('zeros'), zeros.fill(1))
    const cid = index.chunkCid(chunksOf('zeros')[0]!)
    for (let i = 0; i < 2; i++) {
      const fault = await faultOf(source.get(cid), 'SOURCE_CHANGED')
      assert.equal(fault.path, directory.join('zeros'))
    }
    assert.deepEqual([changed, source.changed, source.has(cid)], [['zeros'], ['zeros'], false])
    assert.ok(await source.get(index.chunkCid(chunksOf('a-first')[0]!)))
  })

  it('takes a chunk from another file that has it', async () => {
    await using directory = await temporaryDirectory()
    await writeSample(directory.path, oddTree)
    const source = new ReferenceSource({ root: directory.path, index, pages: await pageStore() })
    await rm(directory.join('db', '000005.ldb'))
    const shared = index.chunkCid(chunksOf('db/000006.ldb')[0]!)
    assert.ok(await source.get(shared))
    assert.deepEqual([source.changed, source.has(shared)], [['db/000005.ldb'], true])
  })

  it('finds changed lengths and lost files without reading, and does not mind a touched one', async () => {
    await using directory = await temporaryDirectory()
    await writeSample(directory.path, oddTree)
    await appendFile(directory.join('db', 'CURRENT'), 'more')
    await rm(directory.join('a-first'))
    await utimes(directory.join('zeros'), 0, 0)
    const source = new ReferenceSource({ root: directory.path, index, pages: await pageStore() })
    assert.deepEqual(await source.check(), ['db/CURRENT', 'a-first'])
  })
})

function chunksOf(path: string): readonly number[] {
  const entry = index.entries.findIndex((entry) => entry.path === path)
  return [...index.chunksOfFile(entry)].map(({ chunk }) => chunk)
}
