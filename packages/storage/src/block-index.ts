import { open } from 'node:fs/promises'
import { DatabaseSync, type SQLOutputValue, type StatementSync } from 'node:sqlite'
import type { Clock, Timer } from '@cairn/runtime'
import { type BlockKey, keyBytes, keyOfBytes } from './block-key.ts'
import { StorageError } from './errors.ts'
import { storageErrorOf } from './io-error.ts'

/** Format of the index and of the directory it describes; see `block-store.md` of the format pages. */
const BLOCK_STORE_VERSION = 2

/** Rows wait this long so that one transaction carries many: a transaction costs about 30 µs, a row 3. */
const COMMIT_DELAY_MS = 50
const PENDING_ROWS_MAX = 4096
const BUSY_TIMEOUT_MS = 2000

export interface BlockRow {
  /** Bytes of the frame. */
  readonly bytes: number
  /** CRC-32 of the frame. */
  readonly checksum: number
  /** Where in which pack it is; undefined for a frame that is a file of its own. */
  readonly packed?: PackedAt
}

export interface PackedAt {
  readonly pack: number
  /** Offset of the frame. */
  readonly start: number
}

/** What the index says at the start. */
export interface IndexedBlocks {
  /** Bytes of each block's frame. */
  readonly sizes: Map<BlockKey, number>
  /** Bytes of the frames in each pack. */
  readonly packs: Map<number, number>
}

/** How the store was left. */
export interface IndexState {
  /** Closed by {@link BlockIndex.close}: the directory holds exactly what the index says. */
  readonly clean: boolean
  /** The machine's boot id at that time. */
  readonly bootId: string | undefined
}

/**
 * The list of a block store's frames, in SQLite with a write-ahead log.
 *
 * A change is seen by {@link row} at once and committed within {@link COMMIT_DELAY_MS}; one that is not committed when the process
 * dies is found again by the store's scan. {@link sync} brings all of it to the disk.
 */
export class BlockIndex {
  readonly #path: string
  readonly #clock: Clock
  readonly #onError: (error: StorageError) => void
  readonly #database: DatabaseSync
  readonly #select: StatementSync
  readonly #upsert: StatementSync
  readonly #delete: StatementSync
  /** Changes that are not committed; `undefined` deletes. */
  #pending = new Map<BlockKey, BlockRow | undefined>()
  #timer: Timer | undefined

  /**
   * Opens or creates the index at `path`. `onError` hears of a commit in the background that failed; it is tried again with the next.
   *
   * @throws {StorageError} `UNSUPPORTED_VERSION`, `CORRUPT`, `NO_SPACE`, `IO_FAILED`
   */
  constructor(path: string, clock: Clock, onError: (error: StorageError) => void) {
    this.#path = path
    this.#clock = clock
    this.#onError = onError
    try {
      this.#database = openDatabase(path)
      this.#select = this.#database.prepare('SELECT bytes, checksum, pack, start FROM blocks WHERE cid = ?')
      this.#upsert = this.#database.prepare('INSERT OR REPLACE INTO blocks (cid, bytes, checksum, pack, start) VALUES (?, ?, ?, ?, ?)')
      this.#delete = this.#database.prepare('DELETE FROM blocks WHERE cid = ?')
    } catch (cause) {
      throw indexError(cause, path)
    }
  }

  get state(): IndexState {
    const row = this.#database.prepare('SELECT clean, boot_id FROM state').get()
    return { clean: row?.['clean'] === 1, bootId: typeof row?.['boot_id'] === 'string' ? row['boot_id'] : undefined }
  }

  /** Records that the store is in use (not clean) under `bootId`, or closed. */
  setState(state: IndexState): void {
    this.#guard(() => {
      this.#database.prepare('UPDATE state SET clean = ?, boot_id = ?').run(state.clean ? 1 : 0, state.bootId ?? null)
    })
  }

  /** What is committed. */
  load(): IndexedBlocks {
    return this.#guard(() => {
      const sizes = new Map<BlockKey, number>()
      const packs = new Map<number, number>()
      for (const row of this.#database.prepare('SELECT cid, bytes, pack FROM blocks').iterate()) {
        const bytes = row['bytes'] as number
        const pack = row['pack'] as number | null
        sizes.set(keyOfBytes(row['cid'] as Uint8Array), bytes)
        if (pack !== null) packs.set(pack, (packs.get(pack) ?? 0) + bytes)
      }
      return { sizes, packs }
    })
  }

  /** The blocks in `pack`, by their place in it. */
  packedIn(pack: number): readonly { readonly key: BlockKey; readonly start: number; readonly bytes: number }[] {
    this.commit()
    return this.#guard(() =>
      this.#database
        .prepare('SELECT cid, start, bytes FROM blocks WHERE pack = ? ORDER BY start')
        .all(pack)
        .map((row) => ({ key: keyOfBytes(row['cid'] as Uint8Array), start: row['start'] as number, bytes: row['bytes'] as number })),
    )
  }

  row(key: BlockKey): BlockRow | undefined {
    if (this.#pending.has(key)) return this.#pending.get(key)
    return this.#guard(() => {
      const row = this.#select.get(keyBytes(key))
      return row === undefined ? undefined : blockRow(row)
    })
  }

  set(key: BlockKey, row: BlockRow): void {
    this.#change(key, row)
  }

  delete(key: BlockKey): void {
    this.#change(key, undefined)
  }

  /** Commits what is pending in one transaction. On failure it stays pending. */
  commit(): void {
    this.#timer?.cancel()
    this.#timer = undefined
    if (this.#pending.size === 0) return
    this.#guard(() => {
      this.#database.exec('BEGIN IMMEDIATE')
      try {
        for (const [key, row] of this.#pending) {
          if (row === undefined) this.#delete.run(keyBytes(key))
          else this.#upsert.run(keyBytes(key), row.bytes, row.checksum, row.packed?.pack ?? null, row.packed?.start ?? null)
        }
        this.#database.exec('COMMIT')
      } catch (cause) {
        // SQLite has rolled back by itself after a full disk or an I/O error.
        if (this.#database.isTransaction) this.#database.exec('ROLLBACK')
        throw cause
      }
    })
    this.#pending = new Map()
  }

  /** Commits, and resolves when every commit so far has reached the disk. */
  async sync(): Promise<void> {
    this.commit()
    // SQLite would sync in its own commit (`synchronous = FULL`), on this thread; syncing its log here keeps the event loop free.
    const log = `${this.#path}-wal`
    try {
      await using file = await open(log, 'r')
      await file.datasync()
    } catch (cause) {
      throw storageErrorOf(cause, log)
    }
  }

  /** Commits what is pending, says that the store is clean and closes. */
  close(bootId: string | undefined): void {
    try {
      this.commit()
      this.setState({ clean: true, bootId })
    } finally {
      this.abandon()
    }
  }

  /** Closes without committing: the next open finds the store as after a crash. */
  abandon(): void {
    this.#timer?.cancel()
    this.#timer = undefined
    if (this.#database.isOpen) this.#database.close()
  }

  #change(key: BlockKey, row: BlockRow | undefined): void {
    this.#pending.set(key, row)
    if (this.#pending.size >= PENDING_ROWS_MAX) this.#commitInBackground()
    else this.#timer ??= this.#clock.setTimer(COMMIT_DELAY_MS, () => this.#commitInBackground())
  }

  #commitInBackground(): void {
    try {
      this.commit()
    } catch (cause) {
      this.#onError(storageErrorOf(cause, this.#path))
    }
  }

  #guard<T>(work: () => T): T {
    try {
      return work()
    } catch (cause) {
      throw indexError(cause, this.#path)
    }
  }
}

function openDatabase(path: string): DatabaseSync {
  // A reader of another process may hold the log for a moment while it opens or closes.
  const database = new DatabaseSync(path, { timeout: BUSY_TIMEOUT_MS })
  try {
    database.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL')
    migrate(database, path)
    return database
  } catch (cause) {
    database.close()
    throw cause
  }
}

/** What each version added to the one before. Rows of an earlier version stay as they are. */
const MIGRATIONS: readonly string[] = [
  `CREATE TABLE blocks (cid BLOB PRIMARY KEY, bytes INTEGER NOT NULL, checksum INTEGER NOT NULL) STRICT, WITHOUT ROWID;
   CREATE TABLE state (id INTEGER PRIMARY KEY CHECK (id = 1), clean INTEGER NOT NULL, boot_id TEXT) STRICT;
   INSERT INTO state (id, clean) VALUES (1, 0);`,
  `ALTER TABLE blocks ADD COLUMN pack INTEGER;
   ALTER TABLE blocks ADD COLUMN start INTEGER;
   CREATE INDEX packed ON blocks (pack) WHERE pack IS NOT NULL;`,
]

function migrate(database: DatabaseSync, path: string): void {
  if (versionOf(database) === BLOCK_STORE_VERSION) return
  database.exec('BEGIN IMMEDIATE')
  // Asked again under the lock: another process may have been faster.
  const found = versionOf(database)
  if (found > BLOCK_STORE_VERSION) throw new StorageError({ code: 'UNSUPPORTED_VERSION', path, found, supported: BLOCK_STORE_VERSION })
  for (const step of MIGRATIONS.slice(found)) database.exec(step)
  database.exec(`PRAGMA user_version = ${BLOCK_STORE_VERSION}; COMMIT`)
}

function versionOf(database: DatabaseSync): number {
  return Number(database.prepare('PRAGMA user_version').get()?.['user_version'])
}

function blockRow(row: Record<string, SQLOutputValue>): BlockRow {
  const { bytes, checksum, pack, start } = row as { bytes: number; checksum: number; pack: number | null; start: number | null }
  return { bytes, checksum, ...(pack === null || start === null ? {} : { packed: { pack, start } }) }
}

/** @see https://sqlite.org/rescode.html */
const SQLITE_CORRUPT = 11
const SQLITE_NOT_A_DATABASE = 26

function indexError(cause: unknown, path: string): StorageError {
  if (cause instanceof Error && 'errcode' in cause && typeof cause.errcode === 'number') {
    const code = cause.errcode & 0xff
    if (code === SQLITE_CORRUPT || code === SQLITE_NOT_A_DATABASE) {
      return new StorageError({ code: 'CORRUPT', path, reason: cause.message }, { cause })
    }
  }
  return storageErrorOf(cause, path)
}
