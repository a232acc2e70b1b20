import { execFile } from 'node:child_process'
import { constants, existsSync, rmSync } from 'node:fs'
import { copyFile, cp, mkdir, rename, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { onExit } from './cleanup.ts'
import { generateFlatFile, generateLedger, generateRecordFile, generateSqliteLedger, upgradeLedger } from '../datasets/index.ts'
import { NPM_DIRECTORY } from './tools.ts'

/** Changes when a generator's output does, so that an old cache is not mistaken for it. */
const DATA_VERSION = 1
const SEED = 1
const LMDB_WRITER = fileURLToPath(new URL('../datasets/lmdb-writer.mjs', import.meta.url))

/** Version 2 of the flat file: one insertion for each of these, 12 KiB on average, 3 MiB in 256 MiB. */
const FLAT_BYTES_PER_INSERTION = 1024 ** 2
const FLAT_INSERTION_BYTES_MAX = 24 * 1024

/** The sample ledger, about `bytes` large; generated once for all benches on this machine, as is everything below. */
export async function ledgerDirectory(bytes: number, version: 1 | 2 | 3 = 1): Promise<string> {
  if (version === 1) return await cached(`ledger-${DATA_VERSION}-${bytes}`, (path) => generateLedger({ path, bytes, seed: SEED, version }))
  const before = await ledgerDirectory(bytes, version === 2 ? 1 : 2)
  return await cached(`ledger-v${version}-${DATA_VERSION}-${bytes}`, async (path) => {
    await cp(before, path, { recursive: true, mode: constants.COPYFILE_FICLONE })
    await upgradeLedger({ path, bytes, seed: SEED, version })
  })
}

/** One flat file; version 2 has bytes put in between. */
export async function flatDirectory(bytes: number, version: 1 | 2): Promise<string> {
  return await cached(`flat-v${version}-${DATA_VERSION}-${bytes}`, async (path) => {
    await mkdir(path)
    await generateFlatFile({
      path: join(path, 'blocks'),
      bytes,
      seed: SEED,
      version,
      insertions: Math.ceil(bytes / FLAT_BYTES_PER_INSERTION),
      insertionBytesMax: FLAT_INSERTION_BYTES_MAX,
    })
  })
}

/** The sample ledger in one SQLite file; version 2 after updates and VACUUM. */
export async function sqliteDirectory(bytes: number, version: 1 | 2): Promise<string> {
  const before = version === 1 ? undefined : await sqliteDirectory(bytes, 1)
  return await cached(`sqlite-v${version}-${DATA_VERSION}-${bytes}`, async (path) => {
    await mkdir(path)
    const file = join(path, 'ledger.sqlite')
    if (before !== undefined) await copyFile(join(before, 'ledger.sqlite'), file, constants.COPYFILE_FICLONE)
    generateSqliteLedger({ path: file, bytes, seed: SEED, version })
  })
}

/** The sample ledger in one LMDB file; version 2 after updates. Needs the tool `lmdb`. */
export async function lmdbDirectory(bytes: number, version: 1 | 2): Promise<string> {
  const before = version === 1 ? undefined : await lmdbDirectory(bytes, 1)
  return await cached(`lmdb-v${version}-${DATA_VERSION}-${bytes}`, async (path) => {
    await mkdir(path)
    const file = join(path, 'data.mdb')
    if (before !== undefined) await copyFile(join(before, 'data.mdb'), file, constants.COPYFILE_FICLONE)
    await promisify(execFile)(process.execPath, [LMDB_WRITER, NPM_DIRECTORY, file, `${bytes}`, `${SEED}`, `${version}`])
    await rm(`${file}-lock`, { force: true })
  })
}

/** One file of records. */
export async function recordsDirectory(bytes: number): Promise<string> {
  return await cached(`records-${DATA_VERSION}-${bytes}`, async (path) => {
    await mkdir(path)
    await generateRecordFile({ path: join(path, 'records'), bytes, seed: SEED })
  })
}

/** What `generate` makes at the path it is given; made whole or not at all, also if several processes make it at once. */
export async function cached(name: string, generate: (path: string) => Promise<void>): Promise<string> {
  const root = join(tmpdir(), 'cairn-bench-data')
  const path = join(root, name)
  if (existsSync(path)) return path
  console.error(`generating ${path}`)
  const partial = `${path}.partial-${process.pid}`
  const remove = (): void => rmSync(partial, { recursive: true, force: true })
  const forget = onExit(remove)
  await mkdir(root, { recursive: true })
  try {
    await generate(partial)
    await rename(partial, path)
  } catch (error) {
    remove()
    if (!existsSync(path)) throw error // another process was first
  } finally {
    forget()
  }
  return path
}
