import { DatabaseSync, type StatementSync } from 'node:sqlite'
import { ledgerChanges, type LedgerInit } from './ledger-state.ts'

export interface GenerateSqliteLedgerInit extends LedgerInit {
  /** Of the one file; must not exist for version 1, and must hold version 1 for version 2. */
  readonly path: string
  readonly version: 1 | 2
}

const PAGE_BYTES = 4096

/**
 * Brings the file to `version` of the sample ledger, from the version before. The same init gives the same file with the same SQLite.
 *
 * Version 1 is a fresh import: keys ascending. Version 2 changes about 5 % of the rows, adds and removes a few, and ends with
 * VACUUM, which packs every page anew: all that follows a row that came or went is shifted by something.
 */
export function generateSqliteLedger(init: GenerateSqliteLedgerInit): void {
  const database = new DatabaseSync(init.path)
  // Whoever is interrupted starts again: no journal, no waiting for the disk.
  database.exec(`PRAGMA page_size = ${PAGE_BYTES}; PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF`)
  if (init.version === 1) database.exec(Object.values(TABLES).map(createTable).join(';'))
  database.exec('BEGIN')
  const statements = new Map(Object.entries(TABLES).map(([prefix, name]) => [prefix, prepare(database, name)]))
  for (const { key, value } of ledgerChanges(init, init.version)) {
    const { put, remove } = statements.get(key.toString('latin1', 0, 1))!
    if (value === undefined) remove.run(key.subarray(1))
    else put.run(key.subarray(1), value)
  }
  database.exec('COMMIT')
  if (init.version === 2) database.exec('VACUUM')
  database.close()
}

/** By the first byte of a key. */
const TABLES: Readonly<Record<string, string>> = { a: 'accounts', c: 'codes', o: 'slots' }

function createTable(name: string): string {
  return `CREATE TABLE ${name} (key BLOB PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID`
}

function prepare(database: DatabaseSync, name: string): { readonly put: StatementSync; readonly remove: StatementSync } {
  return {
    put: database.prepare(`INSERT INTO ${name} VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value`),
    remove: database.prepare(`DELETE FROM ${name} WHERE key = ?`),
  }
}
