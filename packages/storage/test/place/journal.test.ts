import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { describe, it } from 'node:test'
import { systemDisk } from '../../src/index.ts'
import { Journal, split } from '../../src/place/journal.ts'
import { decodeJournal } from '../../src/place/journal-codec.ts'
import { replay } from '../../src/place/replay.ts'
import { temporaryDirectory } from '../temporary-directory.ts'
import { header } from './journal-samples.ts'

describe('Journal', () => {
  it('appends what arrives together as one record', async () => {
    await using directory = await temporaryDirectory()
    const path = directory.join('journal')
    const journal = await Journal.create(path, header, [{ type: 'stage', stage: 'hot' }], systemDisk)
    assert.equal(journal.recordsCount, 1)
    journal.appendFile({ entry: 1, inode: 7n })
    await Promise.all([5, 3, 4, 9].map((chunk) => journal.appendPlaced(chunk)))
    await journal.append({ type: 'complete' })
    assert.equal(journal.recordsCount, 4)
    await journal.close()
    const { records, droppedBytes } = decodeJournal(await readFile(path), path)
    assert.deepEqual(records, [
      { type: 'stage', stage: 'hot' },
      { type: 'files', files: [{ entry: 1, inode: 7n }] },
      {
        type: 'placed',
        runs: [
          { first: 3, count: 3 },
          { first: 9, count: 1 },
        ],
      },
      { type: 'complete' },
    ])
    assert.equal(droppedBytes, 0)
  })

  it('cuts what one record cannot hold', async () => {
    await using directory = await temporaryDirectory()
    const path = directory.join('journal')
    const chunksCount = 40_000
    const even = Array.from({ length: chunksCount / 2 }, (_, i) => i * 2)
    const runs = even.map((first) => ({ first, count: 1 }))
    const records = [...split(runs, (runs) => ({ type: 'placed', runs }) as const)]
    const journal = await Journal.create(path, { ...header, chunksCount }, records, systemDisk)
    await Promise.all(even.map((chunk) => journal.appendPlaced(chunk + 1)))
    await journal.close()
    const decoded = decodeJournal(await readFile(path), path)
    assert.equal(decoded.droppedBytes, 0)
    assert.ok(replay(decoded.records, chunksCount).placed.isFull())
  })
})
