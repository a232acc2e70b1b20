import { constants } from 'node:fs'
import { cp, mkdir, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { applyChanges } from './level-writer.ts'
import { ledgerChanges, type LedgerInit, type LedgerVersion } from './ledger-state.ts'

export type { LedgerInit, LedgerVersion } from './ledger-state.ts'

export const LEDGER_VERSIONS: readonly LedgerVersion[] = [1, 2, 3]

export interface GenerateLedgerInit extends LedgerInit {
  /** Directory of the database; created, and empty if it exists. */
  readonly path: string
  readonly version: LedgerVersion
}

/**
 * Writes a LevelDB directory that holds the sample ledger at `version`. The same init gives the same directory, byte for byte.
 *
 * Version 1 is a freshly imported state: sorted tables. Version 2 changes about 5 % of accounts and slots, adds 0.5 %,
 * removes 0.3 % of the slots, and compacts: every table is written anew, with edits scattered all over, which is the worst
 * that a ledger does to its followers. Version 3 changes as much again and leaves compaction to LevelDB: most tables stay,
 * new ones come, which is the everyday case.
 */
export async function generateLedger(init: GenerateLedgerInit): Promise<void> {
  await mkdir(init.path, { recursive: true })
  if ((await readdir(init.path)).length > 0) throw new Error(`${init.path} is not empty`)
  for (const version of LEDGER_VERSIONS) if (version <= init.version) await upgradeLedger({ ...init, version })
}

/** Turns the directory of version `version - 1` into that of `version`, in place. */
export async function upgradeLedger(init: GenerateLedgerInit): Promise<void> {
  await applyChanges(init.path, ledgerChanges(init, init.version), init.version === 3 ? 'own' : 'full')
}

/** Writes versions 1 to `version` into `into/v1`, `into/v2` and so on, each made from a copy of the one before; returns their paths. */
export async function generateVersions(init: LedgerInit & { readonly into: string; readonly version: LedgerVersion }): Promise<string[]> {
  const paths: string[] = []
  for (const version of LEDGER_VERSIONS.filter((version) => version <= init.version)) {
    const path = join(init.into, `v${version}`)
    const previous = paths.at(-1)
    if (previous === undefined) await generateLedger({ ...init, path, version })
    else {
      await cp(previous, path, { recursive: true, mode: constants.COPYFILE_FICLONE, errorOnExist: true, force: false })
      await upgradeLedger({ ...init, path, version })
    }
    paths.push(path)
  }
  return paths
}
