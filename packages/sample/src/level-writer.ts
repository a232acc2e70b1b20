// Writes a LevelDB directory whose files come out the same every time. LevelDB is deterministic except for the race
// between the writer and its one background thread, which share a counter of file numbers and decide by what they find.
// So only one of them works at a time: write less than a memtable, flush it, wait until nothing is left to compact.
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { ClassicLevel } from 'classic-level'
import type { Change } from './ledger-state.ts'

type Database = ClassicLevel<Buffer, Buffer>

/** LevelDB's own sizes: tables of about 2 MiB, and a memtable that no round of ours fills. */
const MEMTABLE_BYTES = 8 * 1024 ** 2
const ROUND_BYTES = 2 * 1024 ** 2
/** Open tables are mapped into memory: this many of them, and not all. */
const OPEN_FILES_MAX = 64

/** After every key that is ever written: compacting from here on only flushes the memtable. */
const BEYOND_KEYS = Buffer.alloc(1, 0xff)

/**
 * `full`: every table that the changes overlap is compacted, and the log is empty.
 * `own`: LevelDB compacts what it wants to, and the newest changes are in the log only.
 */
export type Compaction = 'own' | 'full'

/**
 * Applies `changes` (keys ascending) to the database at `path`, which is created if missing.
 * What is left there is what a stopped ledger leaves: tables, a manifest, and a log.
 */
export async function applyChanges(path: string, changes: Iterable<Change>, compaction: Compaction): Promise<void> {
  const database: Database = new ClassicLevel(path, {
    keyEncoding: 'buffer',
    valueEncoding: 'buffer',
    writeBufferSize: MEMTABLE_BYTES,
    maxOpenFiles: OPEN_FILES_MAX,
    compression: false, // as Bitcoin Core runs it; hashes do not compress block by block
  })
  await database.open()
  for (const round of rounds(changes)) {
    // Flushing before and not after is what leaves the last round in the log.
    await flush(database)
    await database.batch(round.map(toOperation))
    if (compaction === 'full') {
      await flush(database)
      await database.compactRange(round[0]!.key, round.at(-1)!.key)
      await settled(database)
    }
  }
  if (compaction === 'full') {
    // Tables sink to the lowest level, so that what comes next finds room above them.
    await database.compactRange(Buffer.alloc(0), BEYOND_KEYS)
    await settled(database)
  }
  await database.close()
  // Timestamps and thread ids; LevelDB writes both anew when it opens the directory.
  for (const name of ['LOG', 'LOG.old', 'LOCK']) await rm(join(path, name), { force: true })
}

/** Every key and value at `path`, ascending. Leaves the directory as it was, but for the files LevelDB rewrites on opening. */
export async function* readLevel(path: string): AsyncGenerator<readonly [key: Buffer, value: Buffer]> {
  const database: Database = new ClassicLevel(path, { keyEncoding: 'buffer', valueEncoding: 'buffer', createIfMissing: false })
  await database.open()
  yield* database.iterator()
  await database.close()
}

function* rounds(changes: Iterable<Change>): Generator<Change[]> {
  let round: Change[] = []
  let roundBytes = 0
  for (const change of changes) {
    round.push(change)
    roundBytes += change.key.length + (change.value?.length ?? 0)
    if (roundBytes < ROUND_BYTES) continue
    yield round
    round = []
    roundBytes = 0
  }
  if (round.length > 0) yield round
}

function toOperation({ key, value }: Change): { type: 'put'; key: Buffer; value: Buffer } | { type: 'del'; key: Buffer } {
  return value === undefined ? { type: 'del', key } : { type: 'put', key, value }
}

async function flush(database: Database): Promise<void> {
  await database.compactRange(BEYOND_KEYS, BEYOND_KEYS)
  await settled(database)
}

/** Resolves when no level exceeds what LevelDB allows it, which is when its background thread has nothing to do. */
async function settled(database: Database): Promise<void> {
  while (overfull(database.getProperty('leveldb.sstables'))) await delay(2)
}

/** `sstables` has a line `--- level N ---` for each level, followed by a line ` NUMBER:BYTES['first' .. 'last']` for each table. */
function overfull(sstables: string): boolean {
  let level = -1
  const used = [{ tables: 0, bytes: 0 }]
  for (const [, levelText, bytesText] of sstables.matchAll(/^(?:--- level (\d+) ---| \d+:(\d+)\[)/gm)) {
    if (levelText !== undefined) used[(level = Number(levelText))] = { tables: 0, bytes: 0 }
    else {
      used[level]!.tables++
      used[level]!.bytes += Number(bytesText)
    }
  }
  // db/version_set.cc: 4 tables at level 0, 10 MiB at level 1, ten times more at each level below; the last is unbounded.
  return used.some(({ tables, bytes }, at) => (at === 0 ? tables >= 4 : at < 6 && bytes >= 10 * 1024 ** 2 * 10 ** (at - 1)))
}
