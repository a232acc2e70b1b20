import assert from 'node:assert/strict'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { it } from 'node:test'
import { StorageError } from '@cairn/storage'
import { createLedgerDirectory, maySign, seatDirectory } from '../src/ledger-directory.ts'

it('a key that has signed and whose log is gone stays silent, even when it has a log again', async () => {
  const home = await mkdtemp(join(tmpdir(), 'cairn-seat-'))
  try {
    const directory = join(home, 'ledger')
    await createLedgerDirectory(directory, 'single', 0)
    const log = join(seatDirectory(directory, 0), 'log')
    const fill = async (): Promise<void> => {
      await mkdir(log)
      await writeFile(join(log, 'superblock'), '')
    }
    assert.equal(await maySign(directory, 0), true)
    await fill()
    assert.equal(await maySign(directory, 0), true)
    await rm(log, { recursive: true })
    assert.equal(await maySign(directory, 0), false)
    await fill()
    assert.equal(await maySign(directory, 0), false)
  } finally {
    await rm(home, { recursive: true, force: true })
  }
})

it('a key of which it cannot be told whether it has signed does not sign', async () => {
  const home = await mkdtemp(join(tmpdir(), 'cairn-seat-'))
  try {
    const directory = join(home, 'ledger')
    await createLedgerDirectory(directory, 'cft-3', 0)
    // Neither can be read as what it is called.
    await writeFile(join(seatDirectory(directory, 0), 'log'), '')
    await assert.rejects(maySign(directory, 0), { code: 'ENOTDIR' })
    await mkdir(join(seatDirectory(directory, 1), 'seat.used'))
    await assert.rejects(maySign(directory, 1), StorageError)
    await mkdir(join(seatDirectory(directory, 2), 'seat.burnt'))
    await assert.rejects(maySign(directory, 2), StorageError)
  } finally {
    await rm(home, { recursive: true, force: true })
  }
})
