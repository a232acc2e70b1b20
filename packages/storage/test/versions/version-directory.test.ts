import assert from 'node:assert/strict'
import { mkdir, readdir, readFile, readlink, stat, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { VersionDirectory } from '../../src/index.ts'
import { sampleSnapshot } from '../../src/testing/index.ts'
import { faultOf } from '../fault.ts'
import { oddTree } from '../place/trees.ts'
import { joinWhole, newer, older } from '../reuse/versions.ts'
import { temporaryDirectory } from '../temporary-directory.ts'

const odd = sampleSnapshot(oddTree)

describe('VersionDirectory', () => {
  it('lists what is there, the newest first, and which is in use', async () => {
    await using directory = await temporaryDirectory()
    const versions = await VersionDirectory.open(directory.join('node'))
    assert.deepEqual([await versions.versions(), await versions.current()], [[], undefined])
    for (const [height, { index }] of [
      [5, older],
      [6, newer],
    ] as const) {
      const { name, path } = await versions.place(height, index.cid)
      assert.equal(name, `${height}`)
      await joinWhole(path, height === 5 ? older : newer)
    }
    const listed = await versions.versions()
    assert.deepEqual(
      listed.map(({ name, height, complete, snapshot }) => [name, height, complete, snapshot.toString()]),
      [
        ['6', 6, true, newer.index.cid.toString()],
        ['5', 5, true, older.index.cid.toString()],
      ],
    )
    await versions.switchTo('5')
    assert.equal(await versions.current(), '5')
    assert.equal(await readlink(directory.join('node', 'current')), join('versions', '5'))
    await versions.switchTo('6')
    assert.equal((await stat(directory.join('node', 'current', 'shifted'))).isFile(), true)
    assert.equal((await VersionDirectory.find(directory.join('node')))?.path, versions.path)
  })

  it('gives another name to other content of the same height, and the same to the same', async () => {
    await using directory = await temporaryDirectory()
    const versions = await VersionDirectory.open(directory.path)
    await joinWhole((await versions.place(5, older.index.cid)).path, older)
    const other = await versions.place(5, newer.index.cid)
    assert.equal(other.name, '5.2')
    await joinWhole(other.path, newer)
    assert.equal((await versions.place(5, older.index.cid)).name, '5')
    assert.equal((await versions.place(5, newer.index.cid)).name, '5.2')
    assert.deepEqual(
      (await versions.versions()).map(({ name, height }) => [name, height]),
      [
        ['5.2', 5],
        ['5', 5],
      ],
    )
  })

  it('removes a version, read-only directories and all, but never the one in use', async () => {
    await using directory = await temporaryDirectory()
    const versions = await VersionDirectory.open(directory.path)
    await joinWhole((await versions.place(1, odd.index.cid)).path, odd)
    await versions.switchTo('1')
    await versions.remove('1')
    assert.equal((await versions.versions()).length, 1)
    await joinWhole((await versions.place(2, older.index.cid)).path, older)
    await versions.switchTo('2')
    await versions.remove('1')
    await versions.remove('1')
    assert.deepEqual(await readdir(directory.join('versions')), ['2'])
    assert.deepEqual(await readdir(directory.join('.cairn')), [])
    // What a run that was killed has left of one.
    await mkdir(directory.join('.cairn', 'removed-1', 'a'), { recursive: true })
    await versions.sweep()
    assert.deepEqual(await readdir(directory.join('.cairn')), [])
  })

  it('remembers that somebody went back', async () => {
    await using directory = await temporaryDirectory()
    const versions = await VersionDirectory.open(directory.path)
    assert.equal(await versions.hold(), undefined)
    await versions.setHold({ height: 5, from: 6 })
    assert.deepEqual(await (await VersionDirectory.open(directory.path)).hold(), { height: 5, from: 6 })
    await versions.setHold(undefined)
    assert.equal(await versions.hold(), undefined)
    await writeFile(directory.join('.cairn', 'hold'), 'cairn-hold-1 five six\n')
    await faultOf(versions.hold(), 'CORRUPT')
  })

  it('does not take over a directory of another kind', async () => {
    await using directory = await temporaryDirectory()
    await joinWhole(directory.join('joined'), older)
    assert.equal((await faultOf(VersionDirectory.open(directory.join('joined')), 'OTHER_LAYOUT')).found, 'snapshot')
    assert.equal(await VersionDirectory.find(directory.join('joined')), undefined)
    assert.equal(await VersionDirectory.find(directory.join('nowhere')), undefined)
    await mkdir(directory.join('mine'))
    await writeFile(directory.join('mine', 'notes'), 'mine')
    assert.deepEqual((await faultOf(VersionDirectory.open(directory.join('mine')), 'FOREIGN_FILES')).found, ['notes'])
    assert.deepEqual(await readdir(directory.join('mine')), ['notes'])
    await mkdir(directory.join('other'))
    await symlink('/etc', directory.join('other', 'versions'))
    await assert.rejects(VersionDirectory.open(directory.join('other')))
    assert.equal(await readFile(directory.join('mine', 'notes'), 'utf8'), 'mine')
  })
})
