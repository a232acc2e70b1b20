import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { seededRandom } from '@cairn/runtime'
import { ReceivedDeltas } from '../src/index.ts'
import { sampleSnapshot } from './harness.ts'

describe('received deltas', () => {
  it('cost no download anything where the disk refuses them', async () => {
    const path = await mkdtemp(join(tmpdir(), 'cairn-received-'))
    const { index } = await sampleSnapshot(seededRandom(1), 3)
    await using deltas = await ReceivedDeltas.open({ path, bytesMax: 1000, onDamaged: () => assert.fail() })
    await using keeping = await deltas.begin(index, index.cid)
    await keeping.keep(0, new Uint8Array(10))
    assert(deltas.totalBytes > 10)
    // The file cannot be given its name.
    await rm(path, { recursive: true })
    await keeping.finish()
    assert.equal(deltas.totalBytes, 0)
    assert.deepEqual(await deltas.offer(index.cid, index.cid), { state: 'none' })
    // Nor can another one be begun.
    await using none = await deltas.begin(index, index.cid)
    await none.keep(0, new Uint8Array(10))
    await none.finish()
    assert.equal(deltas.totalBytes, 0)
  })
})
