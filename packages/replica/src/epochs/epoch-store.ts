import { DatabaseSync } from 'node:sqlite'
import {
  type BatchItem,
  ByteReader,
  ByteWriter,
  type Committee,
  decodeEpochRecord,
  encodeEpochRecord,
  type EpochRecord,
  type PeerId,
  readCommittee,
  readItem,
  writeCommittee,
  writeItem,
} from '@cairn/ledger'
import { databaseFault, ReplicaError } from '../errors.ts'

/** An epoch that has ended, as far as this replica knows how. */
export interface EndedEpoch {
  /** Of the epoch itself. */
  readonly committee: Committee
  readonly record: EpochRecord
  /** A light client believes the record as it is; otherwise words or signatures are missing. */
  readonly isComplete: boolean
}

const VERSION = 1
const TABLES = `
  CREATE TABLE epochs (epoch INTEGER PRIMARY KEY, committee BLOB NOT NULL, record BLOB NOT NULL, complete INTEGER NOT NULL, closing BLOB) STRICT;
  PRAGMA user_version = ${VERSION};
`

/**
 * How epochs ended, for as long as the ledger lives: a light client walks over all of them. Whatever a method wrote is on disk when it returns,
 * for keys are erased after it. Some kilobytes for each epoch.
 */
export class EpochStore implements Disposable {
  readonly #path: string
  readonly #database: DatabaseSync

  /** `path` is a file, which is made if it is not there. @throws {ReplicaError} `STATE_CORRUPT`, `UNSUPPORTED_VERSION` */
  constructor(path: string) {
    this.#path = path
    this.#database = new DatabaseSync(path)
    try {
      this.#database.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;')
      const version = Number(this.#database.prepare('PRAGMA user_version').get()?.['user_version'])
      if (version === 0) this.#database.exec(`BEGIN IMMEDIATE; ${TABLES} COMMIT`)
      else if (version !== VERSION) throw new ReplicaError({ code: 'UNSUPPORTED_VERSION', path, found: version, supported: VERSION })
    } catch (cause) {
      this.#database.close()
      throw this.#fault(cause)
    }
  }

  get(epoch: number): EndedEpoch | undefined {
    const row = this.#run(() => this.#database.prepare('SELECT committee, record, complete FROM epochs WHERE epoch = ?').get(epoch))
    return row && endedEpoch(row)
  }

  put({ committee, record, isComplete }: EndedEpoch): void {
    const writer = new ByteWriter(1024)
    writeCommittee(writer, committee)
    const sql =
      'INSERT INTO epochs VALUES (?, ?, ?, ?, NULL) ON CONFLICT (epoch) DO UPDATE SET record = excluded.record, complete = excluded.complete'
    this.#run(() => this.#database.prepare(sql).run(record.epoch, writer.finish(), encodeEpochRecord(record), isComplete ? 1 : 0))
  }

  /** All epochs from `from` on that are known without a gap, in order. */
  *from(from: number): Generator<EndedEpoch> {
    let epoch = from
    const sql = 'SELECT epoch, committee, record, complete FROM epochs WHERE epoch >= ? ORDER BY epoch'
    try {
      for (const row of this.#database.prepare(sql).iterate(from)) {
        if (row['epoch'] !== epoch++) return
        yield endedEpoch(row)
      }
    } catch (cause) {
      throw this.#fault(cause)
    }
  }

  /** Epochs whose records are not complete. */
  get open(): readonly EndedEpoch[] {
    const sql = 'SELECT committee, record, complete FROM epochs WHERE complete = 0 ORDER BY epoch'
    const rows = this.#run(() => this.#database.prepare(sql).all())
    return rows.map(endedEpoch)
  }

  /** What follows the last block of an epoch for those who are still in it: what makes it final, and the next committee. */
  closing(epoch: number): readonly BatchItem[] {
    const bytes = this.#run(() => this.#database.prepare('SELECT closing FROM epochs WHERE epoch = ?').get(epoch))?.['closing']
    if (!(bytes instanceof Uint8Array)) return []
    const reader = new ByteReader(bytes, 'kept end of an epoch')
    return Array.from({ length: reader.u32() }, () => readItem(reader))
  }

  putClosing(epoch: number, items: readonly BatchItem[]): void {
    const writer = new ByteWriter(1024).u32(items.length)
    for (const item of items) writeItem(writer, item)
    this.#run(() => this.#database.prepare('UPDATE epochs SET closing = ? WHERE epoch = ?').run(writer.finish(), epoch))
  }

  /** The newest epoch that `peer` had a seat in, of those that have ended. */
  newestOf(peer: PeerId): number | undefined {
    for (const row of this.#database.prepare('SELECT committee, record, complete FROM epochs ORDER BY epoch DESC').iterate()) {
      const { committee, record } = endedEpoch(row)
      if (committee.members.some((member) => member.peer === peer)) return record.epoch
    }
    return undefined
  }

  close(): void {
    if (this.#database.isOpen) this.#database.close()
  }

  [Symbol.dispose](): void {
    this.close()
  }

  #run<Result>(act: () => Result): Result {
    try {
      return act()
    } catch (cause) {
      throw this.#fault(cause)
    }
  }

  #fault(cause: unknown): unknown {
    return databaseFault(cause, this.#path)
  }
}

function endedEpoch(row: Readonly<Record<string, unknown>>): EndedEpoch {
  const { committee, record, complete } = row
  if (!(committee instanceof Uint8Array) || !(record instanceof Uint8Array)) throw new TypeError('an epoch without its record')
  return {
    committee: readCommittee(new ByteReader(committee, 'kept committee')),
    record: decodeEpochRecord(record),
    isComplete: complete === 1,
  }
}
