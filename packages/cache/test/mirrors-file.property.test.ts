import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { pageCidFromDigest, SHA256_BYTES } from '@cairn/protocol'
import { StorageError } from '@cairn/storage'
import * as fc from 'fast-check'
import { type MirrorRecord, readMirrors, writeMirrors } from '../src/mirrors-file.ts'

const count = fc.nat({ max: Number.MAX_SAFE_INTEGER })
const record: fc.Arbitrary<MirrorRecord> = fc.record({
  cid: fc.uint8Array({ minLength: SHA256_BYTES, maxLength: SHA256_BYTES }).map(pageCidFromDigest),
  ledger: fc.string(),
  height: count,
  bytes: count,
  complete: fc.boolean(),
  lastUsedAt: count,
  channels: fc.array(fc.string()),
})

describe('the list of mirrors', () => {
  let directory: string
  let path: string
  before(async () => {
    directory = await mkdtemp(join(tmpdir(), 'cairn-mirrors-'))
    path = join(directory, 'mirrors.json')
  })
  after(() => rm(directory, { recursive: true }))

  it('comes back as it was written', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(record, { maxLength: 5 }), async (mirrors) => {
        await writeMirrors(path, mirrors)
        const read = await readMirrors(path)
        const text = (records: readonly MirrorRecord[]): unknown => records.map((one) => ({ ...one, cid: one.cid.toString() }))
        assert.deepEqual(text(read), text(mirrors))
      }),
      { numRuns: 20 },
    )
  })

  it('is empty where there is no file', async () => assert.deepEqual(await readMirrors(join(directory, 'none.json')), []))

  const list = (mirrors: unknown, version = 1): string => JSON.stringify({ what: 'cairn mirrors', version, mirrors })
  const damaged = ['', '{', 'null', '[]', '{"what":"cairn mirrors"}', list({}), list([{}]), list([{ cid: 'x' }])]
  for (const text of damaged) {
    it(`is refused when it is ${text === '' ? 'empty' : text}`, async () => {
      await writeFile(path, text)
      await assert.rejects(readMirrors(path), (error) => error instanceof StorageError && error.fault.code === 'CORRUPT')
    })
  }

  it('of a later format is refused as such', async () => {
    await writeFile(path, list([], 2))
    await assert.rejects(readMirrors(path), (error) => error instanceof StorageError && error.fault.code === 'UNSUPPORTED_VERSION')
  })
})
