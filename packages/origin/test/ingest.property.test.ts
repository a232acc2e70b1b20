import assert from 'node:assert/strict'
import { mkdir, readFile, symlink, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { test } from 'node:test'
import { type ChunkingProfile, CHUNKING, cutPoints, ManifestBuilder, type ManifestBuilderInit, sha256, STAGES } from '@cairn/protocol'
import { seededRandom } from '@cairn/runtime'
import { openFsBlockStore } from '@cairn/storage'
import * as fc from 'fast-check'
import { ingest } from '../src/publish/ingest.ts'
import { planPublication, type PublishPlan } from '../src/publish/plan.ts'
import { temporaryDirectory } from './temporary.ts'

const KIB = 1024

/** Sizes around every edge: of a chunk, of what a thread reads at a time, of nothing. */
const sizes = fc.oneof(
  { weight: 6, arbitrary: fc.nat(40 * KIB) },
  { weight: 2, arbitrary: fc.nat(700 * KIB) },
  { weight: 1, arbitrary: fc.constantFrom(0, 1, 16 * KIB, 4096 * KIB - 1, 4096 * KIB, 4096 * KIB + 1, 9000 * KIB) },
)
const names = fc.constantFrom('a', 'a.b', 'a-b', 'd/e', 'd/f', 'd.x', 'hot/1', 'hot/2', 'hot/deep/3', 'z')
/** `seed` is small, so that content repeats in and across files. */
const trees = fc.uniqueArray(fc.record({ name: names, bytes: sizes, seed: fc.nat(2) }), { maxLength: 8, selector: ({ name }) => name })

test('the manifest is the one that a single thread without a pool would make, and the store holds its chunks', async () => {
  await fc.assert(
    fc.asyncProperty(
      trees,
      fc.constantFrom(1, 2, 3),
      fc.constantFrom<ChunkingProfile>('edge', 'balanced'),
      async (files, threadsCount, profile) => {
        await using directory = await temporaryDirectory()
        const tree = join(directory.path, 'tree')
        await mkdir(tree)
        for (const { name, bytes, seed } of files) {
          await mkdir(dirname(join(tree, name)), { recursive: true })
          await writeFile(join(tree, name), noise(seed, bytes))
        }
        await symlink('nowhere', join(tree, 'link'))
        const plan = await planPublication(tree, {
          bootstrap: [],
          hot: files.some(({ name }) => name.startsWith('hot/')) ? ['hot/**'] : [],
        })
        const manifest = manifestInit(profile)
        const wanted = await sequentially(tree, plan, manifest)

        await using store = await openFsBlockStore({ path: join(directory.path, 'blocks') })
        const progress: number[] = []
        const built = await ingest({
          directory: tree,
          plan,
          manifest,
          store,
          keepChunks: true,
          threadsCount,
          onProgress: (bytesDone) => progress.push(bytesDone),
        })
        assert.equal(built.cid.toString(), wanted.cid.toString())
        assert.deepEqual(Buffer.from(built.bytes), Buffer.from(wanted.bytes))
        assert.equal([...store.cids()].filter(({ code }) => code === 0x55).length, built.root.totals.chunks)
        assert.deepEqual(
          progress,
          progress.toSorted((a, b) => a - b),
        )
        assert.equal(progress.at(-1) ?? 0, plan.bytes)
      },
    ),
    { numRuns: 12, endOnFailure: true },
  )
})

async function sequentially(root: string, plan: PublishPlan, init: ManifestBuilderInit): Promise<ReturnType<ManifestBuilder['finish']>> {
  const builder = new ManifestBuilder(init, () => {})
  for (const stage of STAGES) {
    for (const entry of plan.sections[stage]) {
      if (entry.type !== 'file') {
        builder.add(stage, entry)
        continue
      }
      const content = await readFile(join(root, entry.path))
      const ends = cutPoints(content, init.chunking)
      const chunks = ends.map((end, i) => content.subarray(ends[i - 1] ?? 0, end))
      builder.add(stage, {
        type: 'file',
        path: entry.path,
        mode: entry.mode,
        bytes: entry.bytes,
        chunks: chunks.map((plain) => ({ digest: sha256(plain), bytes: plain.byteLength })),
      })
    }
  }
  return builder.finish()
}

function manifestInit(profile: ChunkingProfile): ManifestBuilderInit {
  return {
    identity: { network: 'test', ledger: 'sample', height: 1 },
    chunking: CHUNKING[profile],
    compression: { codec: 'zstd', level: 3 },
    provenance: { tool: 'test', sourceHeight: 1 },
  }
}

/** The same start for the same seed, whatever the length. */
function noise(seed: number, bytes: number): Buffer {
  const random = seededRandom(`noise/${seed}`)
  const buffer = Buffer.alloc(bytes + 4)
  for (let at = 0; at < bytes; at += 4) buffer.writeUInt32LE(random.u32(), at)
  return buffer.subarray(0, bytes)
}
