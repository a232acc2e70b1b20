import assert from 'node:assert/strict'
import fs from 'node:fs/promises'
import { syncBuiltinESMExports } from 'node:module'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { inspectTarget, nextPath, openPlaceStore, pendingSwitch, switchTree } from '../../src/index.ts'
import { writeSample } from '../../src/testing/index.ts'
import { faultOf } from '../fault.ts'
import { joinWhole, newer, newerTree, older } from '../reuse/versions.ts'
import { temporaryDirectory } from '../temporary-directory.ts'
import { listTree } from './trees.ts'

/** What changes a directory, as the module under test calls it. */
const OPERATIONS = ['chmod', 'mkdir', 'rename', 'rm', 'rmdir', 'unlink'] as const

/** Files of the newer version, and of the older one, that are the same. */
const STAYING = [
  ['db/kept', 'db/kept'],
  ['db/new-name', 'db/old-name'],
] as const

async function inodeOf(path: string): Promise<number> {
  return (await fs.stat(path)).ino
}

class Killed extends Error {}

/** Runs `work` as a process that is killed before its operation number `count` would run it; false if it needs fewer. */
async function killedAt(count: number, work: () => Promise<void>): Promise<boolean> {
  const originals = Object.fromEntries(OPERATIONS.map((name) => [name, fs[name]]))
  let done = 0
  for (const name of OPERATIONS) {
    const original = fs[name] as (...args: unknown[]) => Promise<unknown>
    Object.assign(fs, {
      [name]: async (...args: unknown[]) => {
        done += 1
        if (done >= count) throw new Killed()
        return original(...args)
      },
    })
  }
  syncBuiltinESMExports()
  try {
    await work()
    return false
  } catch (error) {
    assert.ok(error instanceof Error && error.cause instanceof Killed, String(error))
    return true
  } finally {
    Object.assign(fs, originals)
    syncBuiltinESMExports()
  }
}

describe('switchTree', () => {
  it('leaves the new version, complete, and nothing of the old one', async () => {
    await using directory = await temporaryDirectory()
    await writeSample(directory.join('published'), newerTree)
    const root = directory.join('target')
    await joinWhole(root, older)
    await joinWhole(nextPath(root), newer)
    await switchTree(root, older.index, newer.index)
    assert.deepEqual(await listTree(root), await listTree(directory.join('published')))
    assert.deepEqual((await fs.readdir(directory.join('target', '.cairn'))).toSorted(), ['fingerprints', 'journal', 'lock', 'lock.pid'])
    const joined = await inspectTarget(root)
    assert.deepEqual([joined?.snapshot.toString(), joined?.complete], [newer.index.cid.toString(), true])
    await using store = await openPlaceStore({ path: root, index: newer.index })
    assert.ok(store.isComplete && (await store.verifyAll()).ok)
  })

  for (const isLinked of [false, true])
    it(`is ended by the next call, wherever it was killed${isLinked ? ', also where files stay' : ''}`, async () => {
      await using directory = await temporaryDirectory()
      await writeSample(directory.join('published'), newerTree)
      const published = await listTree(directory.join('published'))
      await joinWhole(directory.join('begun'), older)
      await joinWhole(nextPath(directory.join('begun')), newer)
      let kills = 0
      for (let count = 1; ; count++) {
        const root = directory.join(`target-${count}`)
        await fs.cp(directory.join('begun'), root, { recursive: true, verbatimSymlinks: true })
        for (const [path, kept] of isLinked ? STAYING : []) {
          await fs.rm(join(nextPath(root), path))
          await fs.link(join(root, kept), join(nextPath(root), path))
        }
        const inodes = await Promise.all(STAYING.map(([, kept]) => inodeOf(join(root, kept))))
        if (!(await killedAt(count, () => switchTree(root, older.index, newer.index)))) break
        kills += 1
        const pending = await pendingSwitch(root)
        // Before its record is there, nothing has happened; after it is gone, everything has.
        if (pending !== undefined) {
          assert.deepEqual([pending.from, pending.to].map(String), [older.index.cid, newer.index.cid].map(String))
          await switchTree(root, older.index, newer.index)
        }
        const joined = await inspectTarget(root)
        if (joined?.snapshot.equals(older.index.cid) === true) {
          assert.equal(pending, undefined)
          await switchTree(root, older.index, newer.index)
        }
        assert.deepEqual(await listTree(root), published, `killed at ${count}`)
        assert.equal((await inspectTarget(root))?.complete, true)
        const after = await Promise.all(STAYING.map(([path]) => inodeOf(join(root, path))))
        if (isLinked) assert.deepEqual(after, inodes, `killed at ${count}`)
        await fs.rm(root, { recursive: true })
      }
      assert.ok(kills > 20, `${kills} kills`)
    })

  it('removes nothing that the old version does not list', async () => {
    await using directory = await temporaryDirectory()
    const root = directory.join('target')
    await joinWhole(root, older)
    await joinWhole(nextPath(root), newer)
    await fs.writeFile(directory.join('target', 'gone', 'mine'), 'mine')
    const before = await listTree(root)
    assert.deepEqual((await faultOf(switchTree(root, older.index, newer.index), 'FOREIGN_FILES')).found, ['gone/mine'])
    assert.deepEqual(await listTree(root), before)
    assert.equal(await pendingSwitch(root), undefined)
  })

  it('does not take anything for its record', async () => {
    await using directory = await temporaryDirectory()
    await joinWhole(directory.path, older)
    await fs.writeFile(directory.join('.cairn', 'switch'), 'cairn-switch-1 here there\n')
    await faultOf(pendingSwitch(directory.path), 'CORRUPT')
  })
})
