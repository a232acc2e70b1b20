import assert from 'node:assert/strict'
import { readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { decodeFrame, plainFrame, verifyBlock } from '@cairn/protocol'
import { openFsBlockStore, openPlaceStore } from '../../src/index.ts'
import { sampleBlocks } from '../../src/testing/index.ts'
import { temporaryDirectory } from '../temporary-directory.ts'
import { killAfter } from './kill-after.ts'
import { killSnapshot } from './kill-snapshot.ts'

const { index, plain } = killSnapshot

// Goal: what a killed process has reported as kept is there afterwards, whole, and nothing else is.
// Method: real processes, SIGKILL after some lines of output; the instants differ from run to run, the law does not.
describe('kill -9', () => {
  it('costs a block store at most the puts under way', async () => {
    await using directory = await temporaryDirectory()
    const blocks = sampleBlocks(64, 4096)
    for (const linesCount of [1, 30, 64, 150]) {
      const reported = await killAfter(linesCount, 'put-blocks.ts', directory.path)
      await using store = await openFsBlockStore({ path: directory.path })
      // Every fourth block may have been caught between its delete and the put that follows.
      for (const line of reported) if (Number(line) % 4 !== 0) assert.ok(store.has(blocks[Number(line)]!.cid), `block ${line}`)
      for (const { cid } of blocks) {
        const frame = await store.get(cid)
        assert.equal(frame !== undefined, store.has(cid))
        if (frame !== undefined) assert.ok(verifyBlock(cid, decodeFrame(frame, 4096)))
      }
      assert.equal(store.totalBytes, await bytesBelow(directory.join('data')))
    }
  })

  it('costs a join at most the chunks under way, and it ends byte for byte', async () => {
    await using directory = await temporaryDirectory()
    let deliveredCount = 0
    let killsCount = 0
    for (const linesCount of [1, 40, 90, 170, 400]) {
      const lines = await killAfter(linesCount, 'place-chunks.ts', directory.path)
      const reported = lines.filter((line) => line !== 'finishing').map(Number)
      deliveredCount += reported.length
      killsCount++
      await using store = await openPlaceStore({ path: directory.path, index })
      for (const chunk of reported) assert.ok(store.have.get(chunk), `chunk ${chunk}`)
      for (const chunk of store.have.indices()) {
        const cid = index.chunkCid(chunk)
        assert.ok(verifyBlock(cid, decodeFrame((await store.get(cid))!, index.chunkBytes(chunk))))
      }
    }
    await using store = await openPlaceStore({ path: directory.path, index })
    // 8 at a time are under way: what was placed and not reported when the process died.
    assert.ok(deliveredCount <= index.chunksCount + killsCount * 8)
    for (let chunk = 0; chunk < index.chunksCount; chunk++) await store.deliver(chunk, plainFrame(plain(chunk)))
    await store.finish()
    assert.deepEqual(await store.verifyAll(), { ok: true, altered: [], missing: [], extra: [], wrongMode: [], wrongLink: [], renamed: [] })
  })

  it('while the last touches are made leaves a join that can be finished', async () => {
    await using directory = await temporaryDirectory()
    await killAfter(index.chunksCount + 1, 'place-chunks.ts', directory.path)
    await using store = await openPlaceStore({ path: directory.path, index })
    assert.ok(store.have.isFull())
    await store.finish()
    assert.ok((await store.verifyAll()).ok)
  })
})

async function bytesBelow(path: string): Promise<number> {
  const dirents = await readdir(path, { recursive: true, withFileTypes: true })
  const files = dirents.filter((dirent) => dirent.isFile())
  const sizes = await Promise.all(files.map(async ({ parentPath, name }) => (await stat(join(parentPath, name))).size))
  return sizes.reduce((total, size) => total + size, 0)
}
