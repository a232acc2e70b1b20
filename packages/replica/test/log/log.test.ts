import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { seededRandom } from '@cairn/runtime'
import * as fc from 'fast-check'
import { ReplicaError } from '../../src/errors.ts'
import { ReplicaLog } from '../../src/log/log.ts'
import { MemoryFiles } from './memory-files.ts'

const SEGMENT_BYTES = 4096

interface Opened {
  readonly log: ReplicaLog
  /** Bodies found, as text. */
  readonly found: readonly string[]
  readonly failures: ReplicaError[]
  readonly syncs: number[]
}

async function open(files: MemoryFiles, segmentBytes = SEGMENT_BYTES): Promise<Opened> {
  const found: string[] = []
  const failures: ReplicaError[] = []
  const syncs: number[] = []
  const log = await ReplicaLog.open({
    directory: 'log',
    files,
    segmentBytes,
    random: seededRandom(7),
    onRecord: ({ entries }) => found.push(...entries.map(({ body }) => Buffer.from(body).toString())),
    onFailure: (error) => failures.push(error),
    onSync: (entries) => syncs.push(entries),
  })
  return { log, found, failures, syncs }
}

const entry = (text: string, type = 1): { readonly type: number; readonly body: Uint8Array } => ({
  type,
  body: new Uint8Array(Buffer.from(text)),
})
const isFault =
  (code: string) =>
  (error: unknown): boolean =>
    error instanceof ReplicaError && error.fault.code === code

/** A log of `texts`, each a record of its own, and where its last segment is. */
async function logOf(texts: readonly string[], segmentBytes = SEGMENT_BYTES): Promise<MemoryFiles> {
  const files = new MemoryFiles()
  const { log } = await open(files, segmentBytes)
  for (const text of texts) await log.append(entry(text))
  await log.close()
  return files
}

/** Without a clean end: the superblock knows of no record, as after a crash. */
async function crashedLogOf(texts: readonly string[]): Promise<MemoryFiles> {
  const files = new MemoryFiles()
  const { log } = await open(files)
  for (const text of texts) await log.append(entry(text))
  return files.damage(() => {})
}

const segments = (files: MemoryFiles): readonly string[] =>
  files
    .list()
    .filter((name) => name.endsWith('.wal'))
    .toSorted()

describe('the log of a replica', () => {
  it('holds what was appended, in order, over many segments', async () => {
    const texts = Array.from({ length: 200 }, (_, index) => `entry ${index} ${'x'.repeat(index)}`)
    const files = await logOf(texts)
    assert.ok(segments(files).length > 3)
    const { log, found } = await open(files)
    assert.deepEqual(found, texts)
    assert.equal(log.lastSeq, 200)
    await log.append(entry('more'))
    await log.close()
    assert.deepEqual((await open(files)).found, [...texts, 'more'])
  })

  it('makes durable together what is appended together: one sync', async () => {
    const files = new MemoryFiles()
    const { log, syncs } = await open(files, 2 ** 20)
    await Promise.all(Array.from({ length: 50 }, (_, index) => log.append(entry(`a${index}`), entry(`b${index}`, 2))))
    assert.deepEqual(syncs, [100])
    assert.equal(log.lastSeq, 1)
    await log.append(entry('c'))
    assert.deepEqual(syncs, [100, 1])
    assert.equal(log.pendingCount, 0)
  })

  it('bounds a record, and what may wait', async () => {
    const { log } = await open(new MemoryFiles())
    await assert.rejects(log.append(entry('x'.repeat(SEGMENT_BYTES))), isFault('ENTRY_TOO_LARGE'))
    const waiting = log.append(...Array.from({ length: 65_536 }, () => entry('x')))
    await assert.rejects(log.append(entry('one more')), isFault('LOG_FAILED'))
    await waiting
    await log.append(entry('and on'))
    assert.ok(log.lastSeq > 1)
  })

  it('acknowledges nothing after a sync that failed, and says so once', async () => {
    const files = new MemoryFiles()
    const { log, failures } = await open(files)
    await log.append(entry('good'))
    files.syncsLeft = 0
    const results = await Promise.allSettled([log.append(entry('a')), log.append(entry('b'))])
    assert.deepEqual(
      results.map(({ status }) => status),
      ['rejected', 'rejected'],
    )
    // The disk is well again: what it lost it does not bring back.
    files.syncsLeft = Infinity
    await assert.rejects(log.append(entry('c')), isFault('LOG_FAILED'))
    await assert.rejects(log.setAnchor(new Uint8Array(1)), isFault('LOG_FAILED'))
    assert.equal(failures.length, 1)
    await log.close()
    const { found } = await open(files)
    assert.equal(found[0], 'good')
  })

  it('forgets whole segments, and never the last', async () => {
    const texts = Array.from({ length: 100 }, (_, index) => `${index} ${'x'.repeat(100)}`)
    const files = await logOf(texts)
    const { log } = await open(files)
    const before = segments(files)
    await log.prune(50)
    assert.ok(segments(files).length < before.length)
    const { found } = await open(files)
    assert.ok(found.length >= 51 && found.length < 100)
    assert.deepEqual(found, texts.slice(-found.length))
    await log.prune(10_000)
    assert.equal(segments(files).length, 1)
    await log.append(entry('goes on'))
    await log.close()
    assert.equal((await open(files)).found.at(-1), 'goes on')
  })

  it('keeps an anchor', async () => {
    const files = new MemoryFiles()
    const { log } = await open(files)
    await log.setAnchor(Uint8Array.of(1, 2, 3))
    await assert.rejects(log.setAnchor(new Uint8Array(4096)), isFault('ENTRY_TOO_LARGE'))
    await log.close()
    assert.deepEqual((await open(files)).log.anchor, Uint8Array.of(1, 2, 3))
  })
})

describe('what nobody waits for', () => {
  it('becomes durable with what is appended next, in its place, or when somebody waits for it after all', async () => {
    const { log, syncs } = await open(new MemoryFiles())
    const lazy = log.appendLazily(entry('one'), entry('two'))
    await new Promise((resolve) => setImmediate(resolve))
    assert.deepEqual(syncs, [])
    await log.append(entry('three'))
    await lazy
    assert.deepEqual(syncs, [3])
    const alone = log.appendLazily(entry('four'))
    log.hasten()
    await alone
    assert.deepEqual(syncs, [3, 1])
    await log.close()
  })

  it('has no sync of its own when it comes while the disk is busy', async () => {
    const { log, syncs } = await open(new MemoryFiles())
    const lazy: Promise<void>[] = []
    // Before the log looks for more to write.
    await log.append(entry('one')).then(() => void lazy.push(log.appendLazily(entry('two'))))
    await new Promise((resolve) => setImmediate(resolve))
    assert.deepEqual(syncs, [1])
    await log.append(entry('three'))
    await Promise.all(lazy)
    assert.deepEqual(syncs, [1, 2])
    await log.close()
  })

  it('becomes durable by itself in the end, and before the log is closed', async () => {
    const files = new MemoryFiles()
    const { log } = await open(files)
    await log.appendLazily(entry('one'))
    const last = log.appendLazily(entry('two'))
    await log.close()
    await last
    await assert.rejects(log.appendLazily(entry('three')), isFault('CLOSED'))
    const again = await open(files)
    assert.deepEqual(again.found, ['one', 'two'])
    await again.log.close()
  })
})

describe('a torn tail', () => {
  const texts = ['first', 'second', 'third of some length']

  it('is cut off, wherever the write stopped, and the log goes on', async () => {
    const whole = await crashedLogOf(texts)
    const [name = ''] = segments(whole)
    const end = whole.read(name).findLastIndex((byte) => byte !== 0) + 1
    const start = end - texts[2]!.length - 26
    for (let at = start; at < end; at++) {
      const torn = whole.damage((each, bytes) => {
        if (each === name) bytes.fill(0, at, end)
      })
      const { log, found } = await open(torn)
      assert.deepEqual(found, texts.slice(0, 2), `byte ${at}`)
      assert.ok(
        torn
          .read(name)
          .subarray(start)
          .every((byte) => byte === 0),
      )
      await log.append(entry('next'))
      await log.close()
      assert.deepEqual((await open(torn)).found, ['first', 'second', 'next'])
    }
  })

  it('is cut off where the file ends early', async () => {
    const whole = await crashedLogOf(texts)
    const short = new MemoryFiles()
    for (const name of whole.list()) {
      const bytes = whole.read(name)
      short.open(name).write(name.endsWith('.wal') ? bytes.subarray(0, 100) : bytes, 0)
    }
    const { log, found } = await open(short)
    assert.deepEqual(found, ['first', 'second'])
    await log.append(entry('next'))
    assert.equal(short.read(segments(short)[0]!).byteLength, SEGMENT_BYTES)
  })

  it('may hold what looks like a record, for a client may have written that', async () => {
    // A copy of a whole record of another log, as the body of an entry whose own record is torn.
    const other = new MemoryFiles()
    const { log } = await open(other)
    for (let count = 0; count < 5; count++) await log.append(entry('stolen'))
    const stolen = other.read(segments(other)[0]!).subarray(28, 300)
    const files = new MemoryFiles()
    const victim = await ReplicaLog.open({
      directory: 'log',
      files,
      segmentBytes: SEGMENT_BYTES,
      random: seededRandom(9),
      onRecord() {},
      onFailure() {},
    })
    await victim.append({ type: 1, body: stolen })
    const torn = files.damage((name, bytes) => {
      if (name.endsWith('.wal')) bytes.fill(0, 28, 40)
    })
    assert.deepEqual((await open(torn)).found, [])
  })
})

describe('corruption', () => {
  const texts = Array.from({ length: 60 }, (_, index) => `${index} ${'x'.repeat(100)}`)

  it('in the middle is told from a torn tail, whichever bit it is', async () => {
    const whole = await crashedLogOf(texts)
    const names = segments(whole)
    const last = names.at(-1)!
    const tail = whole.read(last).findLastIndex((byte) => byte !== 0) + 1 - (texts[59]!.length + 26)
    const random = seededRandom(1)
    for (let run = 0; run < 300; run++) {
      const name = names[random.u32() % names.length]!
      const used = name === last ? tail : whole.read(name).findLastIndex((byte) => byte !== 0) + 1
      const at = random.u32() % used
      const bit = random.u32() % 8
      const damaged = whole.damage((each, bytes) => {
        if (each === name) bytes[at]! ^= 1 << bit
      })
      const before = damaged.damage(() => {})
      await assert.rejects(open(damaged), isFault('LOG_CORRUPT'), `bit ${bit} of byte ${at} of ${name}`)
      for (const each of damaged.list()) assert.deepEqual(damaged.read(each), before.read(each), 'nothing was cut off')
    }
  })

  it('of what a clean end made sure of is told too, also in the last record', async () => {
    const whole = await logOf(['first', 'second'])
    const damaged = whole.damage((name, bytes) => {
      if (name.endsWith('.wal')) bytes[bytes.findLastIndex((byte) => byte !== 0)]! ^= 1
    })
    await assert.rejects(open(damaged), isFault('LOG_CORRUPT'))
  })

  it('is a segment that is gone', async () => {
    const whole = await crashedLogOf(texts)
    const names = segments(whole)
    for (const name of names.slice(0, -1)) {
      const damaged = whole.damage(() => {})
      damaged.remove(name)
      await assert.rejects(open(damaged), isFault('LOG_CORRUPT'), name)
    }
    const emptied = (await logOf(texts)).damage(() => {})
    for (const name of names) emptied.remove(name)
    await assert.rejects(open(emptied), isFault('LOG_CORRUPT'))
  })

  it('is a segment of another log', async () => {
    const whole = await crashedLogOf(texts)
    const other = new MemoryFiles()
    const log = await ReplicaLog.open({
      directory: 'log',
      files: other,
      segmentBytes: SEGMENT_BYTES,
      random: seededRandom(8),
      onRecord() {},
      onFailure() {},
    })
    for (const text of texts) await log.append(entry(text))
    const [, second = ''] = segments(other)
    const mixed = whole.damage((name, bytes) => {
      if (name === second) bytes.set(other.read(second))
    })
    await assert.rejects(open(mixed), isFault('LOG_CORRUPT'))
    const exchanged = whole.damage((name, bytes) => {
      if (name.endsWith('.wal')) bytes.set(other.read(name))
    })
    await assert.rejects(open(exchanged), isFault('LOG_CORRUPT'))
  })

  it('is a record of another past', async () => {
    // The same log twice from its first record on, as a disk has it that lost a write and found it again.
    const start = await crashedLogOf(['first'])
    const pasts = await Promise.all(
      ['second', 'SECOND'].map(async (text) => {
        const files = start.damage(() => {})
        const { log } = await open(files)
        await log.append(entry(text))
        await log.append(entry('third'))
        return files
      }),
    )
    const [one, other] = pasts
    const [name = ''] = segments(one!)
    const third = 28 + 26 + 'first'.length + 26 + 'second'.length
    const mixed = one!.damage((each, bytes) => {
      if (each === name) bytes.set(other!.read(name).subarray(third), third)
    })
    await assert.rejects(open(mixed), isFault('LOG_CORRUPT'))
  })

  it('of one copy of the superblock does no harm, of both it is told', async () => {
    const whole = await logOf(['first'])
    for (const copy of [0, 1]) {
      const damaged = whole.damage((name, bytes) => {
        if (name === 'superblock') bytes[copy * 4096 + 9]! ^= 1
      })
      assert.deepEqual((await open(damaged)).found, ['first'])
    }
    const damaged = whole.damage((name, bytes) => {
      if (name === 'superblock') bytes.fill(0, 4000, 5000)
    })
    await assert.rejects(open(damaged), isFault('SUPERBLOCK_CORRUPT'))
  })
})

describe('power cuts', () => {
  it('take nothing that was acknowledged, at any time (law)', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer(),
        fc.array(fc.array(fc.integer({ min: 0, max: 1500 }), { minLength: 1, maxLength: 5 }), { minLength: 1, maxLength: 12 }),
        async (seed, turns) => {
          const random = seededRandom(seed)
          let files = new MemoryFiles()
          let { log } = await open(files)
          let acknowledged: string[] = []
          let appended: string[] = []
          for (const [turn, sizes] of turns.entries()) {
            const texts = sizes.map((bytes, index) => `${turn}.${index} ${'x'.repeat(bytes)}`)
            appended = [...acknowledged, ...texts]
            const appending = Promise.all(texts.map((text) => log.append(entry(text)))).then(() => (acknowledged = appended))
            appending.catch(() => {})
            if (random.u32() % 3 === 0) {
              // The cut comes somewhere in the middle of it.
              for (let steps = random.u32() % 12; steps > 0; steps--) await new Promise((resolve) => setImmediate(resolve))
              const known = acknowledged
              const left = files.crash(random)
              await appending
              const opened = await open(left)
              assert.deepEqual(opened.found.slice(0, known.length), known)
              assert.deepEqual(opened.found, appended.slice(0, opened.found.length))
              files = left
              log = opened.log
              acknowledged = [...opened.found]
            } else {
              await appending
            }
          }
        },
      ),
      { numRuns: 100 },
    )
  })
})
