import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdir, open, readdir, readlink, rm, truncate, writeFile } from 'node:fs/promises'
import { describe, it } from 'node:test'
import type { IndexedEntry, SnapshotIndex } from '@cairn/protocol'
import { holdFiles } from '../../src/place/held-files.ts'
import { temporaryDirectory } from '../temporary-directory.ts'

const MIB = 1024 * 1024

function indexOf(...files: readonly (readonly [path: string, bytes: number])[]): SnapshotIndex {
  const entries = files.map(([path, bytes]) => ({ type: 'file', path, bytes }) as IndexedEntry)
  return { entries } as unknown as SnapshotIndex
}

/** Files below `root` that this process has open. */
async function openBelow(root: string): Promise<string[]> {
  const links = await Promise.all((await readdir('/proc/self/fd')).map((fd) => readlink(`/proc/self/fd/${fd}`).catch(() => '')))
  return links.filter((path) => path.startsWith(root)).map((path) => path.slice(root.length + 1).replace(' (deleted)', ''))
}

describe('holdFiles', { skip: process.platform === 'linux' ? false : 'looks into /proc' }, () => {
  it('keeps large files until they are released, though they have lost their names', async () => {
    await using directory = await temporaryDirectory()
    const root = directory.join('root')
    await mkdir(root)
    for (const name of ['large', 'gone', 'small']) await writeFile(directory.join('root', name), '')
    await truncate(directory.join('root', 'large'), MIB)
    await rm(directory.join('root', 'gone'))
    const held = await holdFiles(root, indexOf(['large', MIB], ['gone', MIB], ['small', 10]))
    await rm(directory.join('root', 'large'))
    assert.deepEqual(await openBelow(root), ['large'])
    await held.release()
    assert.deepEqual(await openBelow(root), [])
  })

  it('passes over what is no file', async () => {
    await using directory = await temporaryDirectory()
    const root = directory.join('root')
    await mkdir(root)
    execFileSync('mkfifo', [directory.join('root', 'pipe')])
    await (await holdFiles(root, indexOf(['pipe', MIB]))).release()
    const file = await open(directory.join('root', 'pipe'), 'r+')
    await file.close()
  })
})
