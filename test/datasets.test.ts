import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { lstat, mkdtemp, readdir, readFile, readlink, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { after, before, describe, it } from 'node:test'
import { zstdCompressSync } from 'node:zlib'
import {
  generateFlatFile,
  generateLedger,
  generateOddTree,
  generateRecordFile,
  generateSqliteLedger,
  generateVersions,
  ODD_ENTRIES,
  parseBytes,
  readLevel,
  RECORD_BYTES,
  RECORD_VALUE_BYTES,
  type RecordLayout,
  updateRecordFile,
} from './datasets/index.ts'

const LEDGER = { bytes: 8 * 1024 ** 2, seed: 1 }

let directory: string
before(async () => {
  directory = await mkdtemp(join(tmpdir(), 'cairn-datasets-'))
})
after(() => rm(directory, { recursive: true, force: true }))

describe('ledger', () => {
  let paths: string[]
  before(async () => {
    paths = await generateVersions({ ...LEDGER, into: join(directory, 'ledger'), version: 3 })
  })

  it('is the same directory, byte for byte, for the same seed', async () => {
    for (const version of [1, 2, 3] as const) {
      const path = join(directory, `again-${version}`)
      await generateLedger({ ...LEDGER, path, version })
      assert.deepEqual(await fileHashes(path), await fileHashes(paths[version - 1]!))
    }
  })

  it('differs between seeds', async () => {
    const path = join(directory, 'other-seed')
    await generateLedger({ ...LEDGER, seed: 2, path, version: 1 })
    assert.notDeepEqual(await fileHashes(path), await fileHashes(paths[0]!))
  })

  it('is a LevelDB directory of about the size asked for, without the files of a running database', async () => {
    const names = await readdir(paths[0]!)
    assert.ok(names.includes('CURRENT'))
    assert.deepEqual(
      names.filter((name) => name.startsWith('LO')),
      [],
    )
    const sizes = await Promise.all(names.map(async (name) => (await lstat(join(paths[0]!, name))).size))
    const bytes = sizes.reduce((sum, size) => sum + size, 0)
    assert.ok(Math.abs(bytes / LEDGER.bytes - 1) < 0.1, `${bytes} bytes`)
  })

  it('compresses about as much as real state', async () => {
    const names = await readdir(paths[0]!)
    const tables = await Promise.all(names.filter((name) => name.endsWith('.ldb')).map((name) => readFile(join(paths[0]!, name))))
    const plain = Buffer.concat(tables)
    const ratio = plain.length / zstdCompressSync(plain).length
    assert.ok(ratio > 1.45 && ratio < 1.8, `ratio ${ratio}`)
  })

  it('holds accounts, code and slots of realistic sizes', async () => {
    const sizes = new Map<string, number[]>()
    for (const [key, value] of await contents(paths[0]!)) {
      const kind = `${Buffer.from(key, 'hex').toString('latin1', 0, 1)}${key.length / 2}`
      sizes.set(kind, [...(sizes.get(kind) ?? []).slice(-999), value.length / 2])
    }
    assert.deepEqual([...sizes.keys()], ['a33', 'c33', 'o65'])
    assert.ok(sizes.get('a33')!.every((bytes) => bytes >= 70 && bytes <= 110))
    assert.ok(sizes.get('c33')!.every((bytes) => bytes >= 1024 && bytes <= 24 * 1024))
    assert.ok(sizes.get('o65')!.every((bytes) => bytes === 32))
  })

  it('changes about 5 % of the entries from version to version, and adds and removes a few', async () => {
    const versions = [await contents(paths[0]!), await contents(paths[1]!), await contents(paths[2]!)]
    for (const at of [1, 2]) {
      const [older, newer] = [versions[at - 1]!, versions[at]!]
      const changed = [...newer].filter(([key, value]) => older.has(key) && older.get(key) !== value).length
      const added = [...newer.keys()].filter((key) => !older.has(key)).length
      const removed = [...older.keys()].filter((key) => !newer.has(key)).length
      assert.ok(changed / older.size > 0.04 && changed / older.size < 0.06, `${changed} of ${older.size}`)
      assert.ok(added > 0 && added < older.size / 100)
      assert.ok(removed > 0 && removed < older.size / 100)
    }
  })

  it('keeps most tables in version 3 and none in version 2', async () => {
    const [first, second, third] = await Promise.all(paths.map(tableHashes))
    assert.equal(shared(first!, second!), 0)
    assert.ok(shared(second!, third!) > second!.length / 2)
  })

  it('refuses a directory that holds something', async () => {
    const path = join(directory, 'occupied')
    await generateOddTree(path)
    await assert.rejects(generateLedger({ ...LEDGER, path, version: 1 }), /is not empty/)
  })
})

describe('flat file', () => {
  it('inserts runs as long as asked for', async () => {
    const init = { path: join(directory, 'flat-long'), bytes: 100_000, seed: 1, version: 2, insertions: 50 } as const
    const longest = async (insertionBytesMax?: number): Promise<number> => {
      const insertions = await generateFlatFile({ ...init, ...(insertionBytesMax !== undefined && { insertionBytesMax }) })
      return Math.max(...insertions.map(({ bytes }) => bytes.length))
    }
    assert.ok((await longest()) <= 100)
    const bytes = await longest(5000)
    assert.ok(bytes > 2500 && bytes <= 5000, `${bytes} bytes`)
  })

  it('inserts what it says where it says', async () => {
    const init = { bytes: 300_001, seed: 1, insertions: 20 }
    const [v1, v2] = [join(directory, 'flat-1'), join(directory, 'flat-2')]
    assert.deepEqual(await generateFlatFile({ ...init, path: v1, version: 1 }), [])
    const insertions = await generateFlatFile({ ...init, path: v2, version: 2 })
    assert.equal(insertions.length, 20)
    const plain = await readFile(v1)
    assert.equal(plain.length, init.bytes)
    const parts = insertions.flatMap(({ offset, bytes }, index) => [plain.subarray(insertions[index - 1]?.offset ?? 0, offset), bytes])
    assert.ok(Buffer.concat([...parts, plain.subarray(insertions.at(-1)!.offset)]).equals(await readFile(v2)))
  })
})

describe('record file', () => {
  const count = 20_000
  const init = { bytes: count * RECORD_BYTES + 5, seed: 1 }

  /** Numbers of the records in which two files differ, which they do in the value only. */
  async function changedRecords(share: number, layout: RecordLayout): Promise<number[]> {
    const path = join(directory, `records-${layout}-${share}`)
    await generateRecordFile({ ...init, path })
    const before = await readFile(path)
    const promised = await updateRecordFile({ path, seed: 1, share, layout })
    const after = await readFile(path)
    assert.equal(after.length, count * RECORD_BYTES)
    const changed: number[] = []
    for (let record = 0; record < count; record++) {
      const [old, now] = [before, after].map((file) => file.subarray(record * RECORD_BYTES, (record + 1) * RECORD_BYTES)) as [
        Buffer,
        Buffer,
      ]
      if (old.equals(now)) continue
      changed.push(record)
      const different = [...old.keys()].filter((at) => old[at] !== now[at])
      // Of 64 random bytes some are as they were.
      assert.ok(different.length > 32 && different.at(-1)! - different[0]! < RECORD_VALUE_BYTES)
    }
    assert.equal(changed.length, promised)
    return changed
  }

  it('changes as many records as asked for, anywhere', async () => {
    const changed = await changedRecords(0.01, 'scattered')
    assert.equal(changed.length, 200)
    assert.ok(new Set(changed.map((record) => Math.floor(record / 1000))).size > 15)
  })

  it('changes records in runs', async () => {
    const changed = await changedRecords(0.5, 'clustered')
    assert.equal(changed.length, 10_000)
    const starts = changed.filter((record, index) => record !== changed[index - 1]! + 1)
    assert.ok(starts.length <= 2, `${starts.length} runs`)
  })

  it('changes one record at least', async () => {
    assert.equal((await changedRecords(1e-9, 'scattered')).length, 1)
    assert.equal((await changedRecords(1e-9, 'clustered')).length, 1)
  })
})

describe('SQLite ledger', () => {
  const init = { bytes: 1024 ** 2, seed: 1 }

  it('is the same file for the same seed', async () => {
    const hashes: string[] = []
    for (const name of ['sqlite-first', 'sqlite-again']) {
      const path = join(directory, name)
      for (const version of [1, 2] as const) {
        generateSqliteLedger({ ...init, path, version })
        hashes.push(
          createHash('sha256')
            .update(await readFile(path))
            .digest('hex'),
        )
      }
    }
    assert.deepEqual(hashes.slice(2), hashes.slice(0, 2))
    assert.equal(new Set(hashes).size, 2)
  })

  it('holds what the LevelDB ledger of that version holds', async () => {
    const [path, level] = [join(directory, 'sqlite-rows'), join(directory, 'sqlite-level')]
    await generateLedger({ ...init, path: level, version: 2 })
    for (const version of [1, 2] as const) generateSqliteLedger({ ...init, path, version })
    const database = new DatabaseSync(path, { readOnly: true })
    const rows = Object.entries({ a: 'accounts', c: 'codes', o: 'slots' }).flatMap(([prefix, table]) =>
      database
        .prepare(`SELECT hex(key) AS key, hex(value) AS value FROM ${table} ORDER BY key`)
        .all()
        .map(({ key, value }) => [Buffer.from(prefix).toString('hex') + String(key).toLowerCase(), String(value).toLowerCase()] as const),
    )
    database.close()
    assert.deepEqual(new Map(rows), await contents(level))
  })
})

describe('odd tree', () => {
  it('writes every entry with its mode, content or target', async () => {
    const path = join(directory, 'odd')
    await generateOddTree(path)
    for (const entry of ODD_ENTRIES) {
      const at = join(path, entry.path)
      if (entry.type === 'symlink') {
        assert.equal(await readlink(at), entry.target)
        continue
      }
      assert.equal((await lstat(at)).mode & 0o7777, entry.mode, entry.path)
      if (entry.type === 'file') assert.equal(await readFile(at, 'utf8'), entry.content)
    }
  })
})

describe('sizes', () => {
  it('reads binary units', () => {
    assert.equal(parseBytes('4096'), 4096)
    assert.equal(parseBytes('64MiB'), 64 * 1024 ** 2)
    assert.equal(parseBytes('1.5 GiB'), 1.5 * 1024 ** 3)
    assert.throws(() => parseBytes('64MB'), RangeError)
  })
})

async function fileHashes(path: string): Promise<Record<string, string>> {
  const hashes: Record<string, string> = {}
  for (const name of (await readdir(path)).toSorted()) {
    hashes[name] = createHash('sha256')
      .update(await readFile(join(path, name)))
      .digest('hex')
  }
  return hashes
}

async function tableHashes(path: string): Promise<string[]> {
  const hashes = Object.entries(await fileHashes(path))
  return hashes.filter(([name]) => name.endsWith('.ldb')).map(([, hash]) => hash)
}

function shared(older: readonly string[], newer: readonly string[]): number {
  return newer.filter((hash) => older.includes(hash)).length
}

/** Key to value, both as hex. */
async function contents(path: string): Promise<Map<string, string>> {
  const entries = new Map<string, string>()
  for await (const [key, value] of readLevel(path)) entries.set(key.toString('hex'), value.toString('hex'))
  return entries
}
