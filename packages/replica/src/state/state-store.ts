import { DatabaseSync, type StatementSync } from 'node:sqlite'
import {
  type AppliedBlock,
  ByteReader,
  type ChainPoint,
  decodePage,
  type Digest,
  EMPTY_PAGE,
  EMPTY_TREE,
  encodePage,
  HistoryTree,
  type LedgerState,
  type Page,
  pageHash,
  pageMissing,
  type PageSource,
  readPoint,
  rootOf,
  type TreeRoot,
} from '@cairn/ledger'
import { databaseFault, ReplicaError } from '../errors.ts'
import { HEIGHTS_KEPT } from '../limits.ts'
import { KeptChain } from './kept-chain.ts'
import { PageCache } from './page-cache.ts'
import { StagedBlocks } from './staged-blocks.ts'
import { TABLES, TABLES_VERSION } from './tables.ts'

export interface StateStoreInit {
  /** A file, which is made if it is not there; SQLite puts two more beside it. */
  readonly path: string
  /** Of these newest heights those at which it was flushed can be read. */
  readonly heightsKept?: number
  readonly cacheBytes?: number
}

/** A final block as it is kept for those who catch up. The store does not look into the bytes. */
export interface StoredBlock {
  readonly digest: Digest
  /** Its place in the chain. */
  readonly point: Uint8Array
  /** Its header and what makes it final. */
  readonly item: Uint8Array
  readonly payloadRoot: Digest
  readonly payload: Uint8Array
}

/** Heights forgotten with one block. */
const FORGOTTEN_HEIGHTS_MAX = 4
/** Decoded pages in memory: the upper levels of a state of gigabytes, and the leaves that are in use. */
const CACHE_BYTES = 64 * 1024 * 1024
/**
 * Pages of SQLite's journal, 4 KiB each, after which it is synced and copied by whoever commits, while the replica waits; {@link StateStore.sync}
 * does it sooner unless blocks are large.
 */
const JOURNAL_PAGES_MAX = 16_384
/**
 * The state of a replica and the tree over its blocks, by height. Blocks are staged one by one, which shows what they did at once, and flushed
 * together: their pages, heights and places in the history change in one transaction (P9), so after a crash the store is at some height, all of
 * it. Pages that came and went between two flushes are never written, and no height in between can be read later.
 *
 * A flush is not synced: a power cut may take the last ones, never a part of one, and the log has the blocks. What must be on disk before
 * the log is pruned {@link sync} puts there.
 */
export class StateStore implements PageSource, Disposable {
  readonly #path: string
  readonly #database: DatabaseSync
  readonly #heightsKept: number
  readonly #cache: PageCache
  readonly #statements: Readonly<
    Record<
      'page' | 'add' | 'drop' | 'block' | 'height' | 'heightAt' | 'node' | 'forgetHeights' | 'forgetPages' | 'forgetDrops',
      StatementSync
    >
  >
  readonly #history: HistoryTree
  /** Its blocks and checkpoints, as far as they are kept. */
  readonly chain: KeptChain
  readonly #staged = new StagedBlocks()
  #state: LedgerState
  /** The oldest height whose state can be read, and one that stays readable whatever its age. */
  #oldest: number
  #keptFrom = Infinity

  /** @throws {ReplicaError} `STATE_CORRUPT`, `UNSUPPORTED_VERSION` */
  constructor({ path, heightsKept = HEIGHTS_KEPT, cacheBytes = CACHE_BYTES }: StateStoreInit) {
    this.#path = path
    this.#heightsKept = heightsKept
    this.#cache = new PageCache(cacheBytes)
    this.#database = new DatabaseSync(path)
    try {
      // Synced at checkpoints of the journal only, which keeps the order of commits: losing the last of them is all a power cut does.
      this.#database.exec(`PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA wal_autocheckpoint = ${JOURNAL_PAGES_MAX};`)
      this.#createTables()
      const prepare = (sql: string): StatementSync => this.#database.prepare(sql)
      this.#statements = {
        page: prepare('SELECT bytes FROM pages WHERE hash = ?'),
        add: prepare('INSERT INTO pages VALUES (?, ?, ?) ON CONFLICT (hash) DO UPDATE SET born = excluded.born'),
        drop: prepare('INSERT OR IGNORE INTO drops VALUES (?, ?)'),
        block: prepare('INSERT INTO blocks VALUES (?, ?, ?, ?, ?, ?)'),
        height: prepare('INSERT INTO heights VALUES (?, ?)'),
        heightAt: prepare('SELECT root FROM heights WHERE height = ?'),
        node: prepare('INSERT INTO history VALUES (?, ?, ?)'),
        forgetHeights: prepare('DELETE FROM heights WHERE height < ?'),
        forgetPages: prepare(
          'DELETE FROM pages WHERE hash IN (SELECT hash FROM drops WHERE height <= ?1) AND born < (SELECT max(height) FROM drops WHERE drops.hash = pages.hash AND height <= ?1)',
        ),
        forgetDrops: prepare('DELETE FROM drops WHERE height <= ?'),
      }
      const last = this.#database.prepare('SELECT max(height) AS height FROM heights').get()?.['height']
      if (typeof last !== 'number') throw new ReplicaError({ code: 'STATE_CORRUPT', path, reason: 'it has no height' })
      this.#state = { height: last, root: this.#rootAt(last) ?? EMPTY_TREE }
      this.#history = new HistoryTree(this.#historyNodes(), last)
      this.chain = new KeptChain(this.#database)
      this.#oldest = Number(this.#database.prepare('SELECT min(height) AS height FROM heights').get()?.['height'])
    } catch (cause) {
      this.#database.close()
      throw this.#fault(cause)
    }
  }

  /** The newest state, staged or not. */
  get state(): LedgerState {
    return this.#state
  }

  /** The tree over the digests of all blocks up to the newest state. */
  get history(): HistoryTree {
    return this.#history
  }

  /** Blocks that are not in the file yet. */
  get stagedCount(): number {
    return this.#staged.count
  }

  /** Bytes of the pages that these blocks wrote. */
  get stagedBytes(): number {
    return this.#staged.bytes
  }

  /** The state at `height`, or `undefined` if it is not kept. */
  stateAt(height: number): LedgerState | undefined {
    if (height === this.#state.height) return this.#state
    const root = this.#rootAt(height)
    return root && { height, root }
  }

  page(hash: Uint8Array): Page {
    const name = Buffer.from(hash).toString('hex')
    const cached = this.#cache.get(name)
    if (cached !== undefined) return cached
    const staged = this.#staged.page(name)
    if (staged !== undefined) return staged
    const bytes = this.#bytesOf(hash)
    if (bytes === undefined) throw pageMissing(hash)
    const page = decodePage(bytes)
    this.#cache.set(name, page, bytes.byteLength)
    return page
  }

  /** Makes the state after `block` the newest, and its digest the last of the history, in memory. */
  stage(applied: AppliedBlock, block: StoredBlock): void {
    const { state, written } = applied
    if (state.height !== this.#state.height + 1) throw new RangeError(`height ${state.height} after ${this.#state.height}`)
    this.#staged.begin(applied, block)
    this.#history.append(block.digest)
    for (const { hash, page, bytes } of written) this.#cache.set(Buffer.from(hash).toString('hex'), page, bytes.byteLength)
    this.#state = state
  }

  /**
   * Puts the staged blocks up to `height` into the file; all of them or, if this throws, none.
   *
   * @throws {ReplicaError} `STATE_CORRUPT`
   */
  flush(height: number = this.#state.height): void {
    const change = this.#staged.changeUpTo(height)
    if (change === undefined) return
    const { add, drop, block: keep, height: addHeight, node, forgetHeights, forgetPages, forgetDrops } = this.#statements
    const { state } = change
    // Some at a time: what was kept for somebody is not forgotten in one long pause.
    const oldestMax = this.#oldest + FORGOTTEN_HEIGHTS_MAX * change.blocks.length
    const oldest = Math.min(state.height - this.#heightsKept + 1, this.#keptFrom, oldestMax)
    try {
      this.#database.exec('BEGIN IMMEDIATE')
      for (const { page, height: born } of change.written) add.run(page.hash, page.bytes, born)
      for (const hash of change.dropped) drop.run(change.first, hash)
      addHeight.run(state.height, state.root.hash)
      for (const [index, { point, item, payloadRoot, payload, stateRoot }] of change.blocks.entries()) {
        keep.run(state.height - change.blocks.length + 1 + index, point, item, payloadRoot, payload, stateRoot)
      }
      for (const { level, index, hash } of change.nodes) node.run(level, index, hash)
      if (oldest > this.#oldest) {
        forgetPages.run(oldest)
        forgetDrops.run(oldest)
        forgetHeights.run(oldest)
      }
      this.#database.exec('COMMIT')
    } catch (cause) {
      // What is in the file is not known; nobody may go on with this store, and it says so.
      this.#database.close()
      throw this.#fault(cause)
    }
    this.#staged.forget(change)
    this.#oldest = Math.max(this.#oldest, oldest)
  }

  /** The states from `height` on stay readable, however old they become. */
  keepFrom(height: number): void {
    this.#keptFrom = height
  }

  /** As {@link stage} and {@link flush}. */
  commit(applied: AppliedBlock, block: StoredBlock): void {
    this.stage(applied, block)
    this.flush()
  }

  /** The place in the chain of the newest state, `undefined` before the first block. */
  get point(): ChainPoint | undefined {
    const bytes = this.pointAt(this.#state.height)
    return bytes && readPoint(new ByteReader(bytes, 'kept point'))
  }

  /** The place in the chain of the block at `height`. */
  pointAt(height: number): Uint8Array | undefined {
    const staged = this.#staged.block(height)
    return staged?.point ?? bytesOr(this.#database.prepare('SELECT point FROM blocks WHERE height = ?').get(height)?.['point'])
  }

  /** What the operations of the block at `height` are known by. */
  payloadRootAt(height: number): Digest | undefined {
    const root = this.#database.prepare('SELECT payload_root FROM blocks WHERE height = ?').get(height)?.['payload_root']
    return this.#staged.block(height)?.payloadRoot ?? (typeof root === 'string' ? root : undefined)
  }

  /** Final blocks above `height`, at most `countMax`, in order. */
  itemsAbove(height: number, countMax: number): readonly Uint8Array[] {
    const rows = this.#database.prepare('SELECT item FROM blocks WHERE height > ? ORDER BY height LIMIT ?').all(height, countMax)
    const items = rows.map(({ item }) => bytesOr(item)).filter((item) => item !== undefined)
    return [...items, ...this.#staged.blocksAbove(height).map(({ item }) => item)].slice(0, countMax)
  }

  /** A payload of a final block. */
  payload(root: Digest): Uint8Array | undefined {
    const staged = this.#staged.blocksAbove(0).find(({ payloadRoot }) => payloadRoot === root)
    return (
      staged?.payload ?? bytesOr(this.#database.prepare('SELECT payload FROM blocks WHERE payload_root = ? LIMIT 1').get(root)?.['payload'])
    )
  }

  /** Keeps a checkpoint that this seat has made; `start` is how its epoch began. */
  putCheckpoint(height: number, header: Uint8Array, start: Uint8Array): void {
    this.#database.prepare('INSERT OR REPLACE INTO checkpoints VALUES (?, ?, NULL, ?)').run(height, header, start)
  }

  /** A quorum stands for the checkpoint at `height`. */
  certify(height: number, certified: Uint8Array): void {
    this.#database.prepare('UPDATE checkpoints SET certified = ? WHERE height = ?').run(certified, height)
  }

  /** The newest checkpoint that a quorum stands for: itself, how its epoch began, and its place in the chain. */
  newestCheckpoint(): { readonly certified: Uint8Array; readonly start: Uint8Array; readonly point: Uint8Array } | undefined {
    const sql =
      'SELECT certified, start, point FROM checkpoints JOIN blocks USING (height) WHERE certified IS NOT NULL ORDER BY height DESC LIMIT 1'
    const row = this.#database.prepare(sql).get()
    const [certified, start, point] = [row?.['certified'], row?.['start'], row?.['point']].map(bytesOr)
    return certified && start && point && { certified, start, point }
  }

  /** Puts everything that has been flushed on disk; returns when it would survive a power cut. */
  sync(): void {
    const result = this.#database.prepare('PRAGMA wal_checkpoint(TRUNCATE)').get()
    if (result?.['busy'] !== 0) throw new ReplicaError({ code: 'LOG_FAILED', path: this.#path, reason: 'somebody else has it open' })
  }

  /** Pages kept, of all heights that are. */
  get pagesCount(): number {
    return Number(this.#database.prepare('SELECT count(*) AS count FROM pages').get()?.['count'])
  }

  /** Rows, by what they are. */
  get sizes(): Readonly<Record<string, number>> {
    return { pages: this.pagesCount, ...this.chain.counts }
  }

  close(): void {
    if (this.#database.isOpen) this.#database.close()
  }

  [Symbol.dispose](): void {
    this.close()
  }

  #createTables(): void {
    const version = Number(this.#database.prepare('PRAGMA user_version').get()?.['user_version'])
    if (version === TABLES_VERSION) return
    if (version !== 0) throw new ReplicaError({ code: 'UNSUPPORTED_VERSION', path: this.#path, found: version, supported: TABLES_VERSION })
    this.#database.exec(`BEGIN IMMEDIATE; ${TABLES}`)
    const empty = encodePage(EMPTY_PAGE)
    this.#database.prepare('INSERT INTO pages VALUES (?, ?, 0)').run(pageHash(empty), empty)
    this.#database.prepare('INSERT INTO heights VALUES (0, ?)').run(pageHash(empty))
    this.#database.exec('COMMIT')
  }

  #rootAt(height: number): TreeRoot | undefined {
    const hash = this.#statements.heightAt.get(height)?.['root']
    if (!(hash instanceof Uint8Array)) return undefined
    const bytes = this.#bytesOf(hash)
    if (bytes === undefined) throw pageMissing(hash)
    return rootOf(bytes)
  }

  /** The bytes of a page, checked against `hash`. @throws {ReplicaError} `STATE_CORRUPT` */
  pageBytes(hash: Uint8Array): Uint8Array | undefined {
    return this.#bytesOf(hash)
  }

  #bytesOf(hash: Uint8Array): Uint8Array | undefined {
    const bytes = this.#statements.page.get(hash)?.['bytes']
    if (!(bytes instanceof Uint8Array)) return undefined
    // What a disk changed must not become an answer: corrupt is not absent.
    if (Buffer.compare(pageHash(bytes), hash) !== 0) {
      throw new ReplicaError({ code: 'STATE_CORRUPT', path: this.#path, reason: `page ${Buffer.from(hash).toString('hex')} is another` })
    }
    return bytes
  }

  #historyNodes(): ConstructorParameters<typeof HistoryTree>[0] & {} {
    const get = this.#database.prepare('SELECT hash FROM history WHERE level = ? AND position = ?')
    return {
      get: (level, index) => this.#staged.node(level, index) ?? bytesOr(get.get(level, index)?.['hash']),
      set: (level, index, hash) => this.#staged.setNode(level, index, hash),
    }
  }

  #fault(cause: unknown): unknown {
    return databaseFault(cause, this.#path)
  }
}

function bytesOr(value: unknown): Uint8Array | undefined {
  return value instanceof Uint8Array ? value : undefined
}
