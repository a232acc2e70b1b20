import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { Bitmap, CHUNKING, type CID, ManifestBuilder, ManifestLoader, sha256, type SnapshotIndex } from '@cairn/protocol'
import type { DeltaOffer } from '@cairn/swarm'
import { DELTAS_WAIT_MS_MAX } from '../src/limits.ts'
import { deltasWaitMs, planFetch } from '../src/plan-fetch.ts'

const CHUNKS = 40
const CHUNK_BYTES = 1024 * 1024

describe('planFetch', () => {
  it('says how long deltas that are being made are worth waiting for, and does not wait', async () => {
    const { plan, waits } = await planned({ state: 'preparing', sizes: new Map([[3, 500]]) })
    assert.deepEqual(waits, [0])
    assert.equal(plan.deltasWaitMs, deltasWaitMs(CHUNKS * CHUNK_BYTES))
    assert.equal(plan.chunksAsDelta, 1)
    assert.equal(plan.deltaBytes, 500)
    assert.equal(plan.bytesToFetch, CHUNKS * CHUNK_BYTES)
  })

  it('waits for nothing that is there, or will never be', async () => {
    for (const offer of [{ state: 'ready', sizes: new Map() }, { state: 'none' }] as const) {
      const { plan, waits } = await planned(offer)
      assert.deepEqual([waits, plan.deltasWaitMs, plan.chunksAsDelta], [[0], 0, 0])
    }
  })
})

describe('deltasWaitMs', () => {
  it('grows with what is at stake, within its bound', () => {
    assert.equal(deltasWaitMs(0), 0)
    assert.equal(deltasWaitMs(156_250_000), 6_250)
    assert.equal(deltasWaitMs(1024 ** 4), DELTAS_WAIT_MS_MAX)
  })
})

/** A plan for all of a snapshot, from sources that say `offer`. */
async function planned(offer: DeltaOffer) {
  const index = snapshot()
  const waits: number[] = []
  const deltas = async (_: SnapshotIndex, from: CID, { waitMs }: { readonly waitMs: number }): Promise<DeltaOffer> => {
    assert(from.equals(index.cid))
    waits.push(waitMs)
    return offer
  }
  const plan = await planFetch(index, Bitmap.full(CHUNKS), [index.cid], { deltas }, new AbortController().signal)
  return { plan, waits }
}

function snapshot(): SnapshotIndex {
  const pages = new Map<string, Uint8Array>()
  const builder = new ManifestBuilder(
    {
      identity: { network: 'test', ledger: 'main', height: 1 },
      chunking: CHUNKING.balanced,
      compression: { codec: 'zstd', level: 3 },
      provenance: { tool: 'test', sourceHeight: 1 },
    },
    (cid, bytes) => pages.set(cid.toString(), bytes),
  )
  builder.startFile('bulk', { type: 'file', path: 'state', mode: 0o644, bytes: CHUNKS * CHUNK_BYTES })
  for (let chunk = 0; chunk < CHUNKS; chunk++) builder.addChunk({ digest: sha256(Uint8Array.of(chunk)), bytes: CHUNK_BYTES })
  const { cid, root } = builder.finish()
  const loader = new ManifestLoader(root, cid)
  while (!loader.done) for (const wanted of loader.wanted()) loader.add(wanted, pages.get(wanted.toString())!)
  return loader.index()
}
