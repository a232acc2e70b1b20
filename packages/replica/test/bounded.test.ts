import assert from 'node:assert/strict'
import { readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { it } from 'node:test'
import { StateStore } from '../src/state/state-store.ts'
import { put, TestReplicas } from './replicas.ts'

const HEIGHTS = 2100
const CHECKPOINTS = 32
const KEPT = 64

/** What each collection of the engine and of its runtime may have: what it has in its own terms, at this ledger's size. */
const LIMITS: Readonly<Record<string, number>> = {
  history: 1024,
  blocks: 1024 + 64,
  payloads: 64 + 8,
  stateRoots: 256,
  // One operation in a block, each remembered by its id for a while.
  'pool.recent': 65_536,
  headersUnapplied: 4096,
  // What came since the checkpoint before the last.
  logMarks: 3 * 4 * CHECKPOINTS,
  checkpointSignatures: 4,
}

// Goal: a replica runs for ever on a bounded disk and in bounded memory (S22), and nothing is forgotten that it says it keeps (S13).
// Method: one replica makes thousands of blocks, with few heights kept; every collection is counted on the way, every table and file at the end.
it('a replica keeps as much after thousands of blocks as after some hundred', { timeout: 120_000 }, async () => {
  await using ledger = new TestReplicas('single', { checkpointHeights: CHECKPOINTS, heightsKept: KEPT })
  await ledger.startAll()
  const replica = ledger.replicas[0]!
  let early = 0
  while (replica.height < HEIGHTS) {
    await Promise.all(Array.from({ length: 8 }, (_, index) => replica.submit(put(`key ${index}`, `${replica.height} ${'x'.repeat(500)}`))))
    for (const [name, count] of Object.entries(replica.load.held)) assert.ok(count <= (LIMITS[name] ?? 16), `${count} ${name}`)
    if (early === 0 && replica.height > 400) early = bytesOf(ledger.directoryOf(0))
  }
  const bytes = bytesOf(ledger.directoryOf(0))
  const { height } = replica
  await ledger.stop(0)
  using store = new StateStore({ path: join(ledger.directoryOf(0), 'state.db'), heightsKept: KEPT })
  const newest = store.chain.newestCheckpointHeight
  assert.ok(newest > height - 2 * CHECKPOINTS)
  // All that is promised is there, and little else.
  for (let at = height - KEPT + 1; at <= height; at++) assert.notEqual(store.chain.stateRootAt(at), undefined, `no root of height ${at}`)
  assert.ok((store.chain.oldestBlock ?? Infinity) <= newest - KEPT, 'blocks behind the checkpoint are kept for those who are late')
  assert.notEqual(store.stateAt(newest), undefined)
  const { blocksKept = 0, checkpointsKept = 0, historyNodes = 0, heightsKept = 0, drops = 0 } = store.sizes
  const most = KEPT + 2 * CHECKPOINTS
  assert.ok(blocksKept <= most, `${blocksKept} blocks`)
  assert.ok(heightsKept <= most, `${heightsKept} heights`)
  assert.ok(checkpointsKept <= most / CHECKPOINTS + 1, `${checkpointsKept} checkpoints`)
  assert.ok(historyNodes <= 2 * most + Math.log2(HEIGHTS), `${historyNodes} nodes`)
  assert.ok(drops <= most * 16, `${drops} drops`)
  // The state grows by the window of operations, which these blocks do not fill; the rest does not.
  assert.ok(bytes < 3 * early, `${bytes} bytes at height ${height}, ${early} early on`)
  // What is forgotten can still be checked: the root over all blocks.
  assert.equal(store.history.size, height)
  assert.match(store.history.root(), /^[0-9a-f]{64}$/)
})

function bytesOf(directory: string): number {
  let bytes = 0
  for (const entry of readdirSync(directory, { withFileTypes: true })) {
    const path = join(directory, entry.name)
    bytes += entry.isDirectory() ? bytesOf(path) : statSync(path).size
  }
  return bytes
}
