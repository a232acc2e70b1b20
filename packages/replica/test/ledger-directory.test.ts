import assert from 'node:assert/strict'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { it } from 'node:test'
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
