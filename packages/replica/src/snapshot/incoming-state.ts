import { DatabaseSync, type StatementSync } from 'node:sqlite'
import { ByteWriter, encodeCheckpoint, encodeCheckpointHeader, pageHash, writeEpochStart, writeItem, writePoint } from '@cairn/ledger'
import { TABLES, TABLES_VERSION } from '../state/tables.ts'
import { removeDatabase } from '../state/state-files.ts'
import type { VerifiedOffer } from './offer.ts'

/** Of a header that a checkpoint vouches for nobody needs the leader's signature. */
const NO_SIGNATURE = new Uint8Array(64)

type Statements = Readonly<Record<'page' | 'mark' | 'add', StatementSync>>

interface Opened {
  readonly database: DatabaseSync
  readonly statements: Statements
}

/**
 * A state that is being fetched, in the tables of a state. It may be left at any time, also by a kill, and gone on with later, for a newer
 * height too: a page is in it under its hash only, and what the height at hand does not have is removed in the end.
 */
export class IncomingState implements Disposable {
  readonly #database: DatabaseSync
  readonly #height: number
  readonly #statements: Statements

  /** Opens the one at `path` or begins it, to hold the state of `height`. One that cannot be used is begun anew. */
  constructor(path: string, height: number) {
    this.#height = height
    const { database, statements } = opened(path, height) ?? begun(path)
    this.#database = database
    this.#statements = statements
  }

  /** Does `work`, all of it or, if it throws or the process dies, nothing. */
  together(work: () => void): void {
    this.#database.exec('BEGIN IMMEDIATE')
    try {
      work()
      this.#database.exec('COMMIT')
    } catch (error) {
      if (this.#database.isTransaction) this.#database.exec('ROLLBACK')
      throw error
    }
  }

  /** The bytes of a page, if it is here and is what its name says; it is part of this height's state then. */
  page(hash: Uint8Array): Uint8Array | undefined {
    const row = this.#statements.page.get(hash)
    const bytes = row?.['bytes']
    // What a disk changed is fetched again.
    if (!(bytes instanceof Uint8Array) || Buffer.compare(pageHash(bytes), hash) !== 0) return undefined
    if (row?.['born'] !== this.#height) this.#statements.mark.run(this.#height, hash)
    return bytes
  }

  /** Adds a page that has this hash. */
  add(hash: Uint8Array, bytes: Uint8Array): void {
    this.#statements.add.run(hash, bytes, this.#height)
  }

  /** All pages are here: makes a state of them that goes on behind `offer`, on disk when this returns, and closes it. */
  finish({ checkpoint, header, history, point, start }: VerifiedOffer): void {
    const { height } = point
    const [pointWriter, itemWriter, startWriter] = [new ByteWriter(128), new ByteWriter(1024), new ByteWriter(1024)]
    writePoint(pointWriter, point)
    writeItem(itemWriter, { proposal: { header, signature: NO_SIGNATURE } })
    writeEpochStart(startWriter, start)
    const run = (sql: string, ...values: readonly (number | string | Uint8Array)[]): void => void this.#database.prepare(sql).run(...values)
    this.together(() => {
      run('DELETE FROM pages WHERE born <> ?', height)
      for (const table of ['heights', 'blocks', 'checkpoints', 'history', 'drops']) run(`DELETE FROM ${table}`)
      run('INSERT INTO heights VALUES (?, ?)', height, new Uint8Array(Buffer.from(checkpoint.header.stateRoot, 'hex')))
      // Its operations are not here, and nobody is told that they are: it is behind a checkpoint.
      run(
        'INSERT INTO blocks VALUES (?, ?, ?, ?, ?, ?)',
        height,
        pointWriter.finish(),
        itemWriter.finish(),
        header.payloadRoot,
        new Uint8Array(0),
        checkpoint.header.stateRoot,
      )
      const certified = encodeCheckpoint(checkpoint)
      run('INSERT INTO checkpoints VALUES (?, ?, ?, ?)', height, encodeCheckpointHeader(checkpoint.header), certified, startWriter.finish())
      for (const { level, index, hash } of history) run('INSERT INTO history VALUES (?, ?, ?)', level, index, hash)
    })
    this.#database.prepare('PRAGMA wal_checkpoint(TRUNCATE)').get()
    this.#database.close()
  }

  [Symbol.dispose](): void {
    if (this.#database.isOpen) this.#database.close()
  }
}

function opened(path: string, height: number): Opened | undefined {
  let database: DatabaseSync | undefined
  try {
    database = new DatabaseSync(path)
    database.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL;')
    if (Number(database.prepare('PRAGMA user_version').get()?.['user_version']) === TABLES_VERSION) {
      // What is here may be of another state that had a page of this height; what is needed is marked again.
      database.prepare('UPDATE pages SET born = -1 WHERE born = ?').run(height)
      return { database, statements: statementsOf(database) }
    }
  } catch {
    // Damaged: nothing in it is worth more than fetching it again.
  }
  database?.close()
  return undefined
}

function begun(path: string): Opened {
  removeDatabase(path)
  const database = new DatabaseSync(path)
  database.exec(`PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; BEGIN IMMEDIATE; ${TABLES} COMMIT;`)
  return { database, statements: statementsOf(database) }
}

function statementsOf(database: DatabaseSync): Statements {
  return {
    page: database.prepare('SELECT bytes, born FROM pages WHERE hash = ?'),
    mark: database.prepare('UPDATE pages SET born = ? WHERE hash = ?'),
    add: database.prepare('INSERT OR REPLACE INTO pages VALUES (?, ?, ?)'),
  }
}
