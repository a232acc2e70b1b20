import assert from 'node:assert/strict'
import { mkdir, readdir } from 'node:fs/promises'
import { describe, it } from 'node:test'
import { readFileIfExists, writeFileDurably } from '../src/index.ts'
import { faultOf } from './fault.ts'
import { temporaryDirectory } from './temporary-directory.ts'

describe('durable files', () => {
  it('are replaced whole and leave nothing beside them', async () => {
    await using directory = await temporaryDirectory()
    const path = directory.join('state')
    assert.equal(await readFileIfExists(path), undefined)
    await writeFileDurably(path, Buffer.from('first, and longer'))
    await writeFileDurably(path, Buffer.from('second'))
    assert.equal(Buffer.from((await readFileIfExists(path))!).toString(), 'second')
    assert.deepEqual(await readdir(directory.path), ['state'])
  })

  it('stay as they are when a write fails', async () => {
    await using directory = await temporaryDirectory()
    await mkdir(directory.join('state'))
    await faultOf(writeFileDurably(directory.join('state'), Buffer.from('x')), 'IO_FAILED')
    assert.deepEqual(await readdir(directory.path), ['state'])
    await faultOf(writeFileDurably(directory.join('absent', 'state'), Buffer.from('x')), 'IO_FAILED')
    await faultOf(readFileIfExists(directory.join('state')), 'IO_FAILED')
  })
})
