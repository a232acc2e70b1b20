import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { StorageError } from './errors.ts'
import { storageErrorOf } from './io-error.ts'

const SQLITE_BUSY = 5

/**
 * One holder per directory, this process included.
 *
 * Node has no `flock`, and a file with a pid in it goes stale with `kill -9` (and the pid is reused). SQLite takes a lock of the
 * operating system, which ends with the process however that ends: an empty database with a transaction that is never committed.
 * The pid beside it is only for the message.
 */
export class DirectoryLock implements Disposable {
  readonly #database: DatabaseSync

  private constructor(database: DatabaseSync) {
    this.#database = database
  }

  /**
   * Locks `directory` (which exists) until {@link release} or the end of the process.
   *
   * @throws {StorageError} `LOCKED` with the holder's process id, `IO_FAILED`
   */
  static acquire(directory: string): DirectoryLock {
    const path = join(directory, 'lock')
    const holderPath = join(directory, 'lock.pid')
    let database: DatabaseSync | undefined
    try {
      database = new DatabaseSync(path, { timeout: 0 })
      database.exec('PRAGMA journal_mode = OFF; PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE')
      writeFileSync(holderPath, `${process.pid}\n`)
      return new DirectoryLock(database)
    } catch (cause) {
      database?.close()
      if (isBusy(cause)) throw new StorageError({ code: 'LOCKED', path: directory, holder: readHolder(holderPath) }, { cause })
      throw storageErrorOf(cause, path)
    }
  }

  release(): void {
    if (this.#database.isOpen) this.#database.close()
  }

  [Symbol.dispose](): void {
    this.release()
  }
}

function isBusy(error: unknown): boolean {
  return error instanceof Error && 'errcode' in error && typeof error.errcode === 'number' && (error.errcode & 0xff) === SQLITE_BUSY
}

function readHolder(path: string): string {
  try {
    return `process ${readFileSync(path, 'latin1').trim()}`
  } catch {
    return 'another process'
  }
}
