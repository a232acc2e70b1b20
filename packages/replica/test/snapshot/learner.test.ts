import assert from 'node:assert/strict'
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { decodeLogRecord } from '@cairn/ledger'
import { maySign } from '../../src/ledger-directory.ts'
import { ReplicaLog } from '../../src/log/log.ts'
import { burningReason, burnSeat, burntReason } from '../../src/lost-log.ts'
import { put, TestReplicas, valueOf } from '../replicas.ts'

/** Blocks after which those before are neither in memory nor on the disk of those who made them. */
const OUT_OF_REACH = 110
const FEW = { checkpointHeights: 8, heightsKept: 16 }

async function write(ledger: TestReplicas, count: number): Promise<void> {
  for (let index = 0; index < count; index++) await ledger.replicas[0]!.submit(put(`key ${index % 20}`, `${index} ${'x'.repeat(1000)}`))
}

const installs = (ledger: TestReplicas): number => ledger.events.filter(({ type }) => type === 'snapshot-installed').length

/** Types of records in the log of a seat that does not run. */
async function recordsOf(ledger: TestReplicas, seat: number): Promise<ReadonlySet<string>> {
  const types = new Set<string>()
  const log = await ReplicaLog.open({
    directory: join(ledger.directoryOf(seat), 'log'),
    onRecord: ({ entries }) => entries.forEach(({ type, body }) => types.add(decodeLogRecord(type, body).type)),
    onFailure: (error) => assert.fail(error),
  })
  await log.close()
  return types
}

describe('a seat that does not know any more what it has signed', { timeout: 90_000 }, () => {
  // Goal: a log that is damaged in its middle costs the seat its key and nobody anything else (S4, S17).
  // Method: flip a bit that good records follow; start; burn; start as a learner. It follows, forgets what is behind checkpoints, and votes for nothing.
  it('follows as a learner when its log is damaged, with the pages that it has', async () => {
    await using ledger = new TestReplicas('cft-3', FEW)
    await ledger.startAll()
    // Keys that stay as they are have pages that stay too.
    await Promise.all(Array.from({ length: 40 }, (_, index) => ledger.replicas[2]!.submit(put(`still ${index}`, 'x'.repeat(1000)))))
    await ledger.until(() => valueOf(ledger.replicas[2]!, 'still 39') !== undefined)
    await ledger.stop(2)
    const logDirectory = join(ledger.directoryOf(2), 'log')
    const name = readdirSync(logDirectory)
      .filter((each) => each.endsWith('.wal'))
      .toSorted()[0]!
    const bytes = readFileSync(join(logDirectory, name))
    bytes[60]! ^= 1
    writeFileSync(join(logDirectory, name), bytes)
    const error: unknown = await ledger.start(2).then(
      () => undefined,
      (rejected: unknown) => rejected,
    )
    const reason = burningReason(error) ?? ''
    assert.match(reason, /^its log has lost record 1: .* damaged at byte/)
    await ledger.stop(2)
    await burnSeat(ledger.home, 2, reason)
    assert.equal(await maySign(ledger.home, 2), false)
    assert.equal(await burntReason(ledger.home, 2), reason)
    assert.ok(readdirSync(ledger.directoryOf(2)).includes('log.lost'))

    await write(ledger, OUT_OF_REACH)
    const learner = await ledger.start(2, true)
    await ledger.until(() => installs(ledger) > 0 && learner.height >= ledger.replicas[0]!.height - 1)
    assert.equal(learner.load.seat, undefined)
    const [installed] = ledger.events.filter((event) => event.type === 'snapshot-installed')
    assert.ok((installed?.found ?? 0) > 0, 'pages of its own were used')
    // It is told which of its checkpoints are certified, and forgets what is behind them.
    const certified = learner.checkpoint?.header.height ?? 0
    await write(ledger, 40)
    await ledger.until(() => (learner.checkpoint?.header.height ?? 0) > certified)
    await ledger.until(() => Number.parseInt(ledger.segments(2).toSorted()[0] ?? '', 10) > 1)
    assert.equal(valueOf(learner, 'key 39'), valueOf(ledger.replicas[0]!, 'key 39'))
    await ledger.stop(2)
    const types = await recordsOf(ledger, 2)
    assert.ok(types.has('certificate') && !types.has('vote') && !types.has('proposed'))
    assert.deepEqual(ledger.failures, [])
  })

  it('is not started with a log that forgot what its state had', async () => {
    await using ledger = new TestReplicas('cft-3', FEW)
    await ledger.startAll()
    await write(ledger, 60)
    await ledger.until(() => Number.parseInt(ledger.segments(1).toSorted()[0] ?? '', 10) > 1)
    await ledger.stop(1)
    for (const name of readdirSync(ledger.directoryOf(1))) {
      if (name.startsWith('state')) writeFileSync(join(ledger.directoryOf(1), name), '')
    }
    await assert.rejects(ledger.start(1), (error: unknown) => burningReason(error)?.startsWith('its state does not have') === true)
  })

  // S21: the window of operations is part of the state, so whoever has the state knows what has had its effect.
  it('knows after a wiped disk which operations have had their effect', async () => {
    await using ledger = new TestReplicas('cft-3', FEW)
    await ledger.startAll()
    const early = put('once', 'only')
    assert.equal((await ledger.replicas[0]!.submit(early)).type, 'final')
    await ledger.stop(2)
    ledger.wipe(2)
    await ledger.replicas[0]!.submit(put('once', 'changed since'))
    await write(ledger, OUT_OF_REACH)
    const learner = await ledger.start(2, true)
    await ledger.until(() => installs(ledger) > 0 && learner.height > 40)
    const again = await learner.submit(early)
    assert.ok(again.type === 'final' && again.result.type === 'applied' && again.result.isRepeat)
    assert.equal(valueOf(learner, 'once'), 'changed since')
  })
})
