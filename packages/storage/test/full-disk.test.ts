import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { readdir } from 'node:fs/promises'
import { describe, it } from 'node:test'
import { plainFrame } from '@cairn/protocol'
import { openFsBlockStore, openPlaceStore, systemDisk } from '../src/index.ts'
import { sampleBlocks, sampleBytes, sampleSnapshot } from '../src/testing/index.ts'
import { faultOf } from './fault.ts'
import { temporaryDirectory } from './temporary-directory.ts'

// A file system of 4 MiB that is really full. Mounting one takes root; the injected faults elsewhere do not.
describe('a full disk', () => {
  it('stops a block store without a loss', async (t) => {
    await using disk = await smallDisk()
    if (disk === undefined) return t.skip('mounting a tmpfs is not permitted')
    const blocks = sampleBlocks(40, 256 * 1024).filter((_, i) => i % 2 === 0)
    const kept = []
    {
      await using store = await openFsBlockStore({ path: disk.join('store') })
      for (const block of blocks) {
        if (kept.length < 10) await store.put(block.cid, block.frame)
        else await store.put(block.cid, block.frame).catch((error: unknown) => faultOf(Promise.reject(error), 'NO_SPACE'))
        if (store.has(block.cid)) kept.push(block)
      }
      assert.ok(kept.length < blocks.length)
      await store.delete(kept.pop()!.cid)
      const refused = blocks.find(({ cid }) => !store.has(cid))!
      await store.put(refused.cid, refused.frame)
      kept.push(refused)
    }
    await using store = await openFsBlockStore({ path: disk.join('store') })
    for (const { cid, frame } of kept) assert.deepEqual(Buffer.from((await store.get(cid))!), Buffer.from(frame))
    const names = await readdir(disk.join('store', 'data'), { recursive: true })
    assert.deepEqual(
      names.filter((name) => name.endsWith('.tmp')),
      [],
    )
  })

  it('refuses a join that cannot fit, and stops one that no longer does', async (t) => {
    await using disk = await smallDisk()
    if (disk === undefined) return t.skip('mounting a tmpfs is not permitted')
    const snapshot = sampleSnapshot([{ type: 'file', path: 'large', mode: 0o644, content: sampleBytes('large', 8 * 1024 * 1024) }])
    const { index } = snapshot
    const fault = await faultOf(openPlaceStore({ path: disk.join('target'), index }), 'NO_SPACE')
    assert.equal(fault.bytes, index.root.totals.bytes)

    const optimist = { ...systemDisk, availableBytes: async () => Number.MAX_SAFE_INTEGER }
    await using store = await openPlaceStore({ path: disk.join('target'), index, disk: optimist })
    for (let chunk = 0; ; chunk++) {
      try {
        await store.deliver(chunk, plainFrame(snapshot.plain(chunk)))
      } catch (error) {
        await faultOf(Promise.reject(error), 'NO_SPACE')
        break
      }
    }
    assert.ok(store.have.count > 100)
    for (const chunk of store.have.indices()) assert.ok(await store.get(index.chunkCid(chunk)))
  })
})

async function smallDisk(): Promise<Awaited<ReturnType<typeof temporaryDirectory>> | undefined> {
  const directory = await temporaryDirectory()
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=4m', 'tmpfs', directory.path], { stdio: 'ignore' })
  } catch {
    await directory[Symbol.asyncDispose]()
    return undefined
  }
  return {
    ...directory,
    async [Symbol.asyncDispose]() {
      execFileSync('umount', [directory.path])
      await directory[Symbol.asyncDispose]()
    },
  }
}
