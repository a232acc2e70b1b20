import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { it } from 'node:test'
import { type CheckpointHeader, checkpointStatement, decodeCheckpoint, ed25519Verifier, pointOf, signStatement } from '@cairn/ledger'
import { seededRandom } from '@cairn/runtime'
import type { CheckpointMessage } from '../src/checkpoint-message.ts'
import { Checkpoints } from '../src/checkpoints.ts'
import { ReplicaLog } from '../src/log/log.ts'
import { StateAnchors } from '../src/state/state-anchors.ts'
import { MemoryFiles } from './log/memory-files.ts'
import { LEDGER } from './replicas.ts'
import { ServedState, SIGNERS, START } from './snapshot/served.ts'

// Goal: nothing is forgotten before a quorum has the checkpoint on disk (P5, S13), nor while somebody needs it; then it is.
// Method: one seat of three applies blocks and hears the word of another seat, first for another state, then for its own.
it('what lies behind a checkpoint is kept until a quorum has it on disk', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'cairn-checkpoints-'))
  try {
    const served = new ServedState(join(directory, 'state.db'), 4)
    const { store } = served
    const files = new MemoryFiles()
    const openLog = (): Promise<ReplicaLog> =>
      ReplicaLog.open({
        directory: 'log',
        files,
        segmentBytes: 4096,
        random: seededRandom(1),
        onRecord: () => undefined,
        onFailure: (error) => assert.fail(error),
      })
    const log = await openLog()
    const anchors = new StateAnchors(log)
    const said: CheckpointMessage[] = []
    let held: number | undefined = 3
    const checkpoints = new Checkpoints({
      ledger: LEDGER,
      genesis: START.base.digest,
      signerOf: (key) => (Buffer.compare(key, SIGNERS[0]!.publicKey) === 0 ? SIGNERS[0] : undefined),
      verifier: ed25519Verifier(),
      store,
      log,
      anchors,
      checkpointHeights: 10,
      heightsKept: 4,
      heldHeight: () => held,
      standing: () => [],
      startOf: () => START,
      send: (_, message) => said.push(message),
    })
    const applyTo = (height: number): void => {
      while (store.state.height < height) {
        const point = pointOf(served.apply([]))
        if (checkpoints.isDue(point)) checkpoints.stored(point)
      }
    }
    /** Another seat has the checkpoint of a height on disk: the one that was made here, or one that is not. */
    const hearOf = (height: number, changes: Partial<CheckpointHeader> = {}): void => {
      const own = decodeCheckpoint(Buffer.concat([store.chain.checkpointAt(height)!.header, Uint8Array.of(0)])).header
      const statement = checkpointStatement({ ...own, ...changes })
      checkpoints.hear({ height, digest: statement.digest, seat: 1, signature: signStatement(LEDGER, SIGNERS[1]!, statement) })
    }
    const certified = (): number | undefined => checkpoints.newest?.header.height
    for (let index = 0; index < 40; index++) await log.append({ type: 1, body: new Uint8Array(1000) })
    const segments = (): number => files.list().filter((name) => name.endsWith('.wal')).length
    const before = segments()
    applyTo(20)
    assert.equal(said.at(-1)?.height, 20)
    hearOf(20, { stateRoot: 'ab'.repeat(32) })
    await checkpoints.stop()
    assert.equal(certified(), undefined)
    assert.equal(store.chain.oldestBlock, 1)
    assert.equal(segments(), before)
    hearOf(20)
    await checkpoints.stop()
    assert.equal(certified(), 20)
    assert.equal(store.chain.oldestBlock, 3, 'somebody fetches the state there')
    assert.ok(segments() < before)
    assert.equal(anchors.anchor.forgotten, 20)
    held = undefined
    applyTo(30)
    hearOf(30)
    await checkpoints.stop()
    assert.equal(store.chain.oldestBlock, 26)
    assert.notEqual(store.stateAt(30), undefined)
    assert.equal(store.history.size, 30)
    await log.close()
    const again = await openLog()
    assert.deepEqual(new StateAnchors(again).anchor.installed, 0)
    await again.close()
    store.close()
  } finally {
    rmSync(directory, { recursive: true, force: true })
  }
})
