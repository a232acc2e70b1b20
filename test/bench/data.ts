import { existsSync } from 'node:fs'
import { mkdir, rename, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { generateLedger } from '../datasets/index.ts'

/** Changes when the generator's output does, so that an old cache is not mistaken for it. */
const DATA_VERSION = 1

/** The sample ledger at version 1, about `bytes` large; generated once for all benches on this machine. */
export async function ledgerDirectory(bytes: number): Promise<string> {
  const path = join(tmpdir(), 'cairn-bench-data', `ledger-${DATA_VERSION}-${bytes}`)
  if (existsSync(path)) return path
  console.error(`generating ${path}`)
  const partial = `${path}.partial`
  await rm(partial, { recursive: true, force: true })
  await mkdir(dirname(partial), { recursive: true })
  await generateLedger({ path: partial, bytes, seed: 1, version: 1 })
  await rename(partial, path)
  return path
}
