import assert from 'node:assert/strict'
import { mkdtemp, rm, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { INPUT_FILE_BYTES_MAX, readInputFile } from '../src/input-file.ts'
import { UsageError } from '../src/index.ts'

describe('input file', () => {
  it('is read, or refused in words that name flag and path', async (t) => {
    const directory = await mkdtemp(join(tmpdir(), 'cairn-input-'))
    t.after(() => rm(directory, { recursive: true }))
    const path = join(directory, 'root.json')
    const refused = (path: string, reason: RegExp): void =>
      assert.throws(
        () => readInputFile(path, '--trust'),
        (error) => error instanceof UsageError && error.message.startsWith(`--trust ${path} `) && reason.test(error.message),
      )
    refused(path, /there is no such file/)
    refused(directory, /is a directory/)
    await writeFile(path, '{}')
    assert.equal(readInputFile(path, '--trust').toString(), '{}')
    await truncate(path, INPUT_FILE_BYTES_MAX + 1)
    refused(path, /too large/)
  })
})
