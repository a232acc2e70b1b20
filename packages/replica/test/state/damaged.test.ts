import assert from 'node:assert/strict'
import { existsSync, readdirSync, readFileSync, readlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { describe, it } from 'node:test'
import { decodeLogRecord } from '@cairn/ledger'
import { ReplicaError } from '../../src/errors.ts'
import { maySign } from '../../src/ledger-directory.ts'
import { ReplicaLog } from '../../src/log/log.ts'
import { asideReason, damageReason, isStateMissing, setStateAside, stateIsBack } from '../../src/lost-state.ts'
import type { Replica } from '../../src/replica.ts'
import { put, TestReplicas, valueOf } from '../replicas.ts'

const FEW = { checkpointHeights: 8, heightsKept: 16 }
const MARK = 'what-a-bit-of-is-flipped'

async function write(ledger: TestReplicas, count: number): Promise<void> {
  for (let index = 0; index < count; index++) await ledger.replicas[0]!.submit(put(`key ${index % 20}`, `${index} ${'x'.repeat(500)}`))
}

/** The file that holds the state of a seat that does not run. */
function stateOf(ledger: TestReplicas, seat: number): string {
  const name = readdirSync(ledger.directoryOf(seat)).find((each) => /^state(-\d+)?\.db$/.test(each))
  assert.ok(name !== undefined)
  return join(ledger.directoryOf(seat), name)
}

/** Flips one bit wherever `text` stands in a file. */
function flip(path: string, text: string): void {
  const bytes = readFileSync(path)
  let count = 0
  for (let at = bytes.indexOf(text); at >= 0; at = bytes.indexOf(text, at + 1), count++) bytes[at + 2]! ^= 1
  assert.ok(count > 0, `${text} is in the file`)
  writeFileSync(path, bytes)
}

/** Says in a database that is open elsewhere that a table is where none can be. */
function misplace(path: string, table: string): void {
  using database = new DatabaseSync(path, { defensive: false })
  database.exec('PRAGMA writable_schema = ON')
  database.prepare('UPDATE sqlite_schema SET rootpage = 1000000 WHERE name = ?').run(table)
  const version = Number(database.prepare('PRAGMA schema_version').get()?.['schema_version'])
  database.exec(`PRAGMA schema_version = ${version + 1}`)
}

/** Files of a directory that this process has open. */
function openIn(directory: string): readonly string[] {
  const pathOf = (descriptor: string): string => {
    try {
      return readlinkSync(join('/proc/self/fd', descriptor))
    } catch {
      // The one that this list was read through.
      return ''
    }
  }
  return readdirSync('/proc/self/fd')
    .map(pathOf)
    .filter((path) => path.startsWith(directory))
}

async function votesIn(ledger: TestReplicas, seat: number): Promise<number> {
  let count = 0
  const log = await ReplicaLog.open({
    directory: join(ledger.directoryOf(seat), 'log'),
    onRecord: ({ entries }) => entries.forEach(({ type, body }) => (count += decodeLogRecord(type, body).type === 'vote' ? 1 : 0)),
    onFailure: (error) => assert.fail(error),
  })
  await log.close()
  return count
}

/** Compares states at a moment at which both are at the same height. */
async function agree(ledger: TestReplicas, one: Replica, other: Replica): Promise<void> {
  const roots = new Set<string>()
  await ledger.until(() => {
    if (one.height !== other.height) return false
    for (const { stateRoot } of [one, other]) roots.add(stateRoot)
    return true
  })
  assert.equal(roots.size, 1)
}

async function failureOf(starting: Promise<Replica>): Promise<ReplicaError> {
  const error: unknown = await starting.then(
    () => undefined,
    (rejected: unknown) => rejected,
  )
  assert.ok(error instanceof ReplicaError, String(error))
  return error
}

// Goal: damage to a state costs its seat neither its key nor its votes: the log says what it has signed, and the state is the ledger's.
// Method: flip bits in the real file of a seat whose log was forgotten behind checkpoints, before or while it runs. It must notice, name the file,
// sign nothing until it has a state again, and be needed for a quorum after that, with the log that it had.
describe('a seat whose state is damaged', { timeout: 90_000 }, () => {
  async function prepared(ledger: TestReplicas): Promise<void> {
    await ledger.startAll()
    await ledger.replicas[0]!.submit(put('marked', MARK))
    await write(ledger, 40)
    await ledger.until(
      () => Number.parseInt(ledger.segments(1).toSorted()[0] ?? '', 10) > 1 && valueOf(ledger.replicas[1]!, 'marked') === MARK,
    )
    await ledger.stop(1)
  }

  /** Fetches it as whoever runs a seat does, and takes the seat again. */
  async function recovered(ledger: TestReplicas, error: ReplicaError): Promise<void> {
    const votes = await votesIn(ledger, 1)
    assert.ok(votes > 0)
    await setStateAside(ledger.home, 1, error)
    assert.equal(await asideReason(ledger.home, 1), error.message)
    assert.ok(readdirSync(ledger.directoryOf(1)).includes('damaged.db'))
    assert.equal(isStateMissing(await failureOf(ledger.start(1))), true)
    await ledger.stop(1)
    await write(ledger, 110)
    const rebuilding = await ledger.startRebuilding(1)
    await ledger.until(() => ledger.events.some(({ type }) => type === 'state-rebuilt'))
    assert.equal(rebuilding.progress.seat, null)
    await ledger.stop(1)
    assert.equal(await votesIn(ledger, 1), votes, 'it has said nothing, and forgotten nothing that it said')
    const again = await ledger.start(1)
    await stateIsBack(ledger.home, 1)
    assert.equal(await asideReason(ledger.home, 1), undefined)
    assert.equal(again.progress.seat, 1)
    assert.equal(await maySign(ledger.home, 1), true)
    // Of three seats two are there, and both are needed.
    await ledger.stop(2)
    assert.equal((await again.submit(put('after', 'all'))).type, 'final')
    await agree(ledger, again, ledger.replicas[0]!)
    assert.equal(valueOf(again, 'marked'), MARK)
  }

  it('finds it while it runs, and votes again with the log that it has', async () => {
    await using ledger = new TestReplicas('cft-3', FEW)
    await prepared(ledger)
    const path = stateOf(ledger, 1)
    flip(path, MARK)
    const replica = await ledger.start(1)
    assert.throws(() => valueOf(replica, 'marked'), ReplicaError)
    const [failure] = ledger.failures
    assert.equal(failure?.fault.code, 'STATE_CORRUPT')
    assert.ok(damageReason(failure)?.startsWith(`${path} is damaged: page `), failure?.message)
    await ledger.stop(1)
    await recovered(ledger, failure)
    assert.equal(ledger.failures.length, 1)
  })

  // Goal: whatever a client asks for, damage that it meets ends the seat, and names the file that is set aside for it.
  // Method: another connection makes SQLite find the file damaged, at once after the seat started and before it looks itself.
  for (const [name, table, ask] of [
    ['state.db', 'checkpoints', (replica: Replica) => replica.checkpoint],
    ['state.db', 'checkpoints', (replica: Replica) => replica.lightProof()],
    ['epochs.db', 'epochs', (replica: Replica) => replica.lightProof()],
  ] as const) {
    it(`finds it in ${name} when asked for ${ask.toString().replace(/^.*replica\./, '')}`, async () => {
      await using ledger = new TestReplicas('cft-3', FEW)
      await ledger.startAll()
      await write(ledger, 10)
      const replica = ledger.replicas[1]!
      await ledger.until(() => replica.checkpoint !== undefined)
      misplace(join(ledger.directoryOf(1), name), table)
      assert.throws(() => ask(replica))
      const [failure] = ledger.failures
      assert.equal(failure?.fault.code, 'STATE_CORRUPT')
      assert.equal(damageReason(failure)?.includes('epochs.db'), name === 'epochs.db', failure.message)
      await ledger.stop(1)
      assert.equal(replica.checkpoint, undefined)
      assert.equal(ledger.failures.length, 1)
    })
  }

  // Goal: whoever runs a seat opens its files again in the same process, so nothing may still write them.
  it('has closed all its files when its end was waited for', { skip: !existsSync('/proc/self/fd') }, async () => {
    await using ledger = new TestReplicas('cft-3', FEW)
    await prepared(ledger)
    flip(stateOf(ledger, 1), MARK)
    const replica = await ledger.start(1)
    assert.ok(openIn(ledger.directoryOf(1)).length > 0)
    assert.throws(() => valueOf(replica, 'marked'), ReplicaError)
    assert.deepEqual(
      ledger.failures.map(({ fault }) => fault.code),
      ['STATE_CORRUPT'],
    )
    await replica.stop()
    assert.deepEqual(openIn(ledger.directoryOf(1)), [])
  })

  it('finds it when it starts, where the file is none any more', async () => {
    await using ledger = new TestReplicas('cft-3', FEW)
    await prepared(ledger)
    const path = stateOf(ledger, 1)
    const bytes = readFileSync(path)
    bytes[3]! ^= 1
    writeFileSync(path, bytes)
    const error = await failureOf(ledger.start(1))
    assert.equal(damageReason(error), `${path} is damaged: file is not a database`)
    await ledger.stop(1)
    await recovered(ledger, error)
    assert.deepEqual(ledger.failures, [])
  })

  it('makes it again from its log, where that goes back to the first block', async () => {
    await using ledger = new TestReplicas('cft-3', { checkpointHeights: 1000 })
    await ledger.startAll()
    await ledger.stop(2)
    await ledger.replicas[0]!.submit(put('marked', MARK))
    await ledger.until(() => valueOf(ledger.replicas[1]!, 'marked') === MARK)
    await ledger.stop(1)
    const path = stateOf(ledger, 1)
    writeFileSync(path, Buffer.alloc(8192, 7))
    const error = await failureOf(ledger.start(1))
    await ledger.stop(1)
    // Nobody else has the blocks, for all that it knows.
    await ledger.stop(0)
    await setStateAside(ledger.home, 1, error)
    const again = await ledger.start(1)
    await ledger.until(() => valueOf(again, 'marked') === MARK)
    assert.equal(again.progress.seat, 1)
  })

  it('fetches how epochs ended, if it is that which is damaged', async () => {
    await using ledger = new TestReplicas('cft-3', FEW)
    await ledger.startAll()
    await ledger.stop(1)
    const path = join(ledger.directoryOf(1), 'epochs.db')
    writeFileSync(path, Buffer.alloc(8192, 7))
    const error = await failureOf(ledger.start(1))
    assert.equal(damageReason(error)?.startsWith(`${path} is damaged`), true)
    await ledger.stop(1)
    await setStateAside(ledger.home, 1, error)
    assert.equal(await asideReason(ledger.home, 1), undefined)
    assert.ok(readdirSync(ledger.directoryOf(1)).includes('damaged-epochs.db'))
    const again = await ledger.start(1)
    assert.equal(again.progress.seat, 1)
  })
})
