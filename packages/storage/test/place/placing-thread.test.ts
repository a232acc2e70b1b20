import assert from 'node:assert/strict'
import { truncate } from 'node:fs/promises'
import { describe, it } from 'node:test'
import { encodeFrame, plainFrame, ProtocolError } from '@cairn/protocol'
import { openPlaceStore, PlacingThread, StorageError } from '../../src/index.ts'
import { type SampleEntry, sampleBytes, sampleSnapshot, writeSample } from '../../src/testing/index.ts'
import { temporaryDirectory } from '../temporary-directory.ts'
import { deliver, listTree, oddTree } from './trees.ts'

const snapshot = sampleSnapshot(oddTree)
const { index } = snapshot

describe('PlacingThread', () => {
  it('places what is published, as the calling thread would', async () => {
    await using directory = await temporaryDirectory()
    await writeSample(directory.join('source'), oddTree)
    await using placer = new PlacingThread()
    await using store = await openPlaceStore({ path: directory.join('target'), index, placer })
    await deliver(store, snapshot)
    await store.finish()
    assert.deepEqual(await listTree(directory.join('target')), await listTree(directory.join('source')))
    for (let chunk = 0; chunk < index.chunksCount; chunk++) {
      assert.deepEqual(Buffer.from((await store.read(chunk))!), Buffer.from(snapshot.plain(chunk)))
    }
  })

  it('goes on when more waits than the shared memory holds', async () => {
    await using directory = await temporaryDirectory()
    const large: SampleEntry[] = [{ type: 'file', path: 'large', mode: 0o644, content: sampleBytes('large', 24 * 1024 * 1024) }]
    const source = sampleSnapshot(large)
    await using placer = new PlacingThread()
    await using store = await openPlaceStore({ path: directory.join('target'), index: source.index, placer })
    await deliver(store, source)
    assert.ok((await store.verifyAll()).ok)
  })

  it('refuses a frame of another chunk, and one that does not inflate, and writes nothing of them', async () => {
    await using directory = await temporaryDirectory()
    await using placer = new PlacingThread()
    await using store = await openPlaceStore({ path: directory.path, index, placer })
    const other = new Uint8Array(index.chunkBytes(0)).fill(1)
    for (const frame of [plainFrame(other), encodeFrame(other), Uint8Array.of(1, 2, 3), Uint8Array.of(9)]) {
      await assert.rejects(store.deliver(0, frame), ProtocolError)
    }
    assert.equal(store.have.count, 0)
    await deliver(store, snapshot)
    await store.finish()
  })

  it('says that a chunk is no longer as it was', async () => {
    await using directory = await temporaryDirectory()
    await using placer = new PlacingThread()
    await using store = await openPlaceStore({ path: directory.path, index, placer })
    await deliver(store, snapshot)
    const place = index.places(0)[0]!
    await truncate(directory.join(index.entries[place.entry]!.path), place.offset)
    assert.equal(await store.get(index.chunkCid(0)), undefined)
    assert.equal(store.have.get(0), false)
  })

  it('passes on what the file system says', async () => {
    await using directory = await temporaryDirectory()
    await using placer = new PlacingThread()
    const file = { entry: 0, path: directory.join('absent', 'file'), bytes: 1, mode: 0o600, inode: undefined }
    await assert.rejects(placer.make(file), (error) => error instanceof StorageError && error.fault.code === 'IO_FAILED')
  })

  it('answers everybody when it is ended', async () => {
    const placer = new PlacingThread()
    const ended = assert.rejects(placer.sync([]), /ended/)
    await placer[Symbol.asyncDispose]()
    await ended
    await assert.rejects(placer.sync([]), /ended/)
  })
})
