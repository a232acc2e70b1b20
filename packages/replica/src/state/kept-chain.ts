import type { DatabaseSync } from 'node:sqlite'
import { type Digest, peakPlaces } from '@cairn/ledger'

/** A checkpoint that this seat has made, and that a quorum may stand for. */
export interface KeptCheckpoint {
  readonly height: number
  readonly header: Uint8Array
  readonly certified: Uint8Array | undefined
  /** How its epoch began. */
  readonly start: Uint8Array
}

/**
 * What of the chain is kept with the state: the blocks that others may still ask for, the newest checkpoints, and of the history what later
 * roots are made of. What lies behind a checkpoint that is durable at a quorum is forgotten (P5), so that none of it grows with the height.
 */
export class KeptChain {
  readonly #database: DatabaseSync

  constructor(database: DatabaseSync) {
    this.#database = database
  }

  /** The oldest block that is here with its operations; `undefined` if none is. A snapshot brings the header of one without them. */
  get oldestBlock(): number | undefined {
    return numberOr(this.#one('SELECT height FROM blocks WHERE length(payload) > 0 ORDER BY height LIMIT 1')?.['height'])
  }

  /** Rows of each table. */
  get counts(): Readonly<Record<'blocksKept' | 'checkpointsKept' | 'historyNodes' | 'heightsKept' | 'drops', number>> {
    const count = (table: string): number => Number(this.#one(`SELECT count(*) AS count FROM ${table}`)?.['count'])
    return {
      blocksKept: count('blocks'),
      checkpointsKept: count('checkpoints'),
      historyNodes: count('history'),
      heightsKept: count('heights'),
      drops: count('drops'),
    }
  }

  /** The header of the block at `height`, and what makes it final. */
  itemAt(height: number): Uint8Array | undefined {
    return bytesOr(this.#one('SELECT item FROM blocks WHERE height = ?', height)?.['item'])
  }

  /** Root of the state after the block at `height`, also where that state cannot be read any more. */
  stateRootAt(height: number): Digest | undefined {
    const root = this.#one('SELECT state_root FROM blocks WHERE height = ?', height)?.['state_root']
    return typeof root === 'string' ? root : undefined
  }

  /** The newest checkpoint up to `height` that a quorum stands for. */
  certifiedUpTo(height: number): KeptCheckpoint | undefined {
    return checkpointOf(
      this.#one('SELECT * FROM checkpoints WHERE height <= ? AND certified IS NOT NULL ORDER BY height DESC LIMIT 1', height),
    )
  }

  checkpointAt(height: number): KeptCheckpoint | undefined {
    return checkpointOf(this.#one('SELECT * FROM checkpoints WHERE height = ?', height))
  }

  /** Height of the newest checkpoint, certified or not; 0 for none. */
  get newestCheckpointHeight(): number {
    return Number(this.#one('SELECT coalesce(max(height), 0) AS height FROM checkpoints')?.['height'])
  }

  /** Roots of the largest complete subtrees over the first `size` blocks, from the left. `undefined` if they have been forgotten. */
  peaks(size: number): readonly Uint8Array[] | undefined {
    const hashes = peakPlaces(size).map(({ level, index }) =>
      bytesOr(this.#one('SELECT hash FROM history WHERE level = ? AND position = ?', level, index)?.['hash']),
    )
    const found = hashes.filter((hash) => hash !== undefined)
    return found.length === hashes.length ? found : undefined
  }

  /** Forgets blocks and checkpoints below `height`, at most `blocksMax` of them, and what no root from there on needs of the history. */
  forget(height: number, blocksMax: number): void {
    const first = numberOr(this.#one('SELECT min(height) AS height FROM blocks')?.['height']) ?? height
    const below = Math.min(height, first + blocksMax)
    this.#database.exec('BEGIN IMMEDIATE')
    this.#database.prepare('DELETE FROM blocks WHERE height < ?').run(below)
    this.#database.prepare('DELETE FROM checkpoints WHERE height < ?').run(below)
    this.#database
      .prepare(
        'DELETE FROM history WHERE ((position + 1) << level) <= ?1 AND NOT (((?1 >> level) & 1) = 1 AND position = (?1 >> level) - 1)',
      )
      // The root over the blocks before the first that is kept is still known.
      .run(Math.max(0, below - 1))
    this.#database.exec('COMMIT')
  }

  #one(sql: string, ...values: readonly number[]): Record<string, unknown> | undefined {
    return this.#database.prepare(sql).get(...values)
  }
}

function checkpointOf(row: Record<string, unknown> | undefined): KeptCheckpoint | undefined {
  const [height, header, start] = [numberOr(row?.['height']), bytesOr(row?.['header']), bytesOr(row?.['start'])]
  if (height === undefined || header === undefined || start === undefined) return undefined
  return { height, header, certified: bytesOr(row?.['certified']), start }
}

function numberOr(value: unknown): number | undefined {
  return typeof value === 'number' ? value : undefined
}

function bytesOr(value: unknown): Uint8Array | undefined {
  return value instanceof Uint8Array ? value : undefined
}
