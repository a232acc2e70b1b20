import assert from 'node:assert/strict'
import { readdirSync } from 'node:fs'
import { describe, it } from 'node:test'
import { put, TestReplicas, valueOf } from '../replicas.ts'

const TIMEOUT = { timeout: 60_000 }
const FEW = { checkpointHeights: 8, heightsKept: 16 }

/** Writes until the ledger is at `height`, some keys over and over. */
async function writeTo(ledger: TestReplicas, height: number, by = 0): Promise<void> {
  const replica = ledger.replicas[by]!
  for (let round = 0; replica.height < height; round++) {
    await Promise.all(
      Array.from({ length: 4 }, (_, index) => replica.submit(put(`key ${(round * 4 + index) % 60}`, `${round} ${'x'.repeat(300)}`))),
    )
  }
}

const installed = (ledger: TestReplicas): number => ledger.events.filter(({ type }) => type === 'snapshot-installed').length

for (const overSockets of [false, true]) {
  describe(`a replica whose next block is gone everywhere${overSockets ? ', over sockets' : ''}`, TIMEOUT, () => {
    it('fetches a state, goes on by blocks, and stays a seat', async () => {
      await using ledger = new TestReplicas('cft-3', { overSockets, ...FEW })
      await ledger.startAll()
      await ledger.replicas[2]!.submit(put('early', 'one'))
      await ledger.stop(2)
      // So far that the operations before are neither in memory nor on disk.
      await writeTo(ledger, 120)
      const late = await ledger.start(2)
      await ledger.until(() => installed(ledger) > 0)
      await ledger.replicas[0]!.submit(put('last', 'words'))
      await ledger.until(() => valueOf(late, 'last') === 'words')
      assert.equal(valueOf(late, 'early'), 'one')
      assert.deepEqual(ledger.failures, [])
      // It signs: two of three are enough.
      await ledger.stop(1)
      const outcome = await late.submit(put('after', 'all'))
      assert.equal(outcome.type, 'final')
      // And comes back from what it has installed.
      const { height } = late
      await ledger.stop(2)
      await ledger.start(1)
      const again = await ledger.start(2)
      assert.ok(again.height >= height - 1, `${again.height} of ${height}`)
      assert.equal((await again.submit(put('again', 'x'))).type, 'final')
      assert.deepEqual(
        readdirSync(ledger.directoryOf(2)).filter((name) => /state.*db$|incoming/.test(name)).length,
        1,
        'the old state is gone',
      )
    })
  })
}
