import { resolve } from 'node:path'
import { type ChunkingProfile, CHUNKING, type CID, type SketchTable, ZSTD_LEVEL } from '@cairn/protocol'
import type { Clock, Reporter } from '@cairn/runtime'
import { type FsBlockStore, openFsBlockStore } from '@cairn/storage'
import { loadManifest } from '@cairn/swarm/stored-manifest'
import { DEFAULT_CHANNEL, type Release } from '@cairn/trust'
import type { DeltaSummary } from '../deltas/make-deltas.ts'
import { WorkspaceDeltas } from '../deltas/workspace-deltas.ts'
import type { PublishEvent } from '../events.ts'
import { DELTA_RELEASES } from '../limits.ts'
import { WorkspaceSource } from '../release-sources.ts'
import type { Workspace } from '../workspace.ts'
import { chooseProfile, type ProfileFigures } from './choose-profile.ts'
import { ingest } from './ingest.ts'
import { measureProfiles } from './measure-profiles.ts'
import { planPublication, type PublishPlan } from './plan.ts'

/** Chunks of 256 KiB: few enough for a small manifest, small enough to have most of a file back after an edit. */
const USUAL_PROFILE: ChunkingProfile = 'balanced'

export interface PublishInit {
  readonly workspace: Workspace
  readonly directory: string
  readonly ledger: string
  readonly height: number
  readonly channels?: readonly string[]
  readonly bootstrap?: readonly string[]
  readonly hot?: readonly string[]
  /** `auto` compares the profiles on a sample and keeps to the parent's unless another is clearly better; `balanced` if absent. */
  readonly profile?: ChunkingProfile | 'auto'
  /** `copy` keeps compressed chunks in the workspace; `reference` serves them from `directory`, which must then stay as it is. */
  readonly store?: 'copy' | 'reference'
  /** From how many earlier releases deltas are made: the last 4 if absent. */
  readonly deltasFrom?: number
  /** Threads that read and compress; as many as there are cores, at most 3, if absent. The snapshot does not depend on it. */
  readonly threadsCount?: number
  /** Replaces a different snapshot at the same height. */
  readonly replace?: boolean
  /** Name and version of the program, for the manifest's provenance. */
  readonly tool: string
  readonly clock: Clock
  readonly reporter: Reporter<PublishEvent>
  readonly signal?: AbortSignal
}

export interface PublishSummary {
  readonly release: Release
  readonly filesCount: number
  /** Plain bytes of all files. */
  readonly bytes: number
  /** Frame bytes that this run added to the workspace. */
  readonly storedBytes: number
  readonly profile: ChunkingProfile
  /** What the profile was chosen by; empty if it was given. */
  readonly profiles: readonly ProfileFigures[]
  /** What holders of earlier releases fetch, the newest first. */
  readonly deltas: readonly (DeltaSummary & { readonly fromHeight: number })[]
  readonly durationMs: number
}

/**
 * Publishes `directory` as `ledger`'s snapshot at `height`: reads it once, stores its chunks and pages durably, makes the deltas from the
 * releases before it, and only then signs.
 *
 * The same input gives the same manifest: nothing of the time or the machine is in it. A publication that is interrupted
 * leaves the releases as they were; what it stored is used by the next one.
 */
export async function publish(init: PublishInit): Promise<PublishSummary> {
  const { workspace, ledger, height, clock, reporter, signal } = init
  const startedMs = clock.monotonicMs()
  const known = await workspace.releasesOf(ledger)
  const parent = known.findLast((release) => release.height < height)?.manifest
  const directory = resolve(init.directory)
  const plan = await planPublication(directory, { bootstrap: init.bootstrap ?? [], hot: init.hot ?? [] })
  reporter.report({ type: 'publish-started', path: directory, filesCount: plan.filesCount, bytes: plan.bytes })
  await using store = await openFsBlockStore({ path: workspace.blocksPath, clock })
  const storedBefore = store.totalBytes
  const { profile, profiles } = await settleProfile(init, plan, directory, parent, store)
  const { cid, bytes, root, sketches } = await ingest({
    directory,
    plan,
    manifest: manifestInit(init, profile, workspace.network, parent),
    store,
    keepChunks: init.store !== 'reference',
    onProgress: (bytesDone, storedBytes) => reporter.report({ type: 'publish-progress', bytesDone, bytes: plan.bytes, storedBytes }),
    ...(init.threadsCount === undefined ? {} : { threadsCount: init.threadsCount }),
    ...(signal === undefined ? {} : { signal }),
  })
  // Chunks and pages first, then the signature that vouches for them: a power cut leaves no release that cannot be served.
  await store.flush()
  const deltas = await prepareDeltas(init, known, cid, sketches, store)
  const release: Release = {
    ledger,
    height,
    manifest: cid,
    manifestBytes: bytes.byteLength,
    channels: [...(init.channels ?? [DEFAULT_CHANNEL])].sort(),
    totalBytes: root.totals.bytes,
    chunks: root.totals.chunks,
  }
  await workspace.release(release, {
    replace: init.replace ?? false,
    ...(init.store === 'reference' ? { reference: directory } : {}),
  })
  const durationMs = clock.monotonicMs() - startedMs
  reporter.report({ type: 'published', snapshot: cid.toString(), ledger, height, durationMs })
  return {
    release,
    filesCount: plan.filesCount,
    bytes: plan.bytes,
    storedBytes: store.totalBytes - storedBefore,
    profile,
    profiles,
    deltas,
    durationMs,
  }
}

async function settleProfile(
  { workspace, profile = USUAL_PROFILE, clock }: PublishInit,
  plan: PublishPlan,
  directory: string,
  parent: CID | undefined,
  store: FsBlockStore,
): Promise<Pick<PublishSummary, 'profile' | 'profiles'>> {
  if (profile !== 'auto') return { profile, profiles: [] }
  if (parent === undefined) {
    const profiles = await measureProfiles({ directory, plan })
    return { profile: chooseProfile(profiles, USUAL_PROFILE), profiles }
  }
  const source = new WorkspaceSource(store, () => {})
  const published = workspace.referenceOf(parent.toString())
  if (published !== undefined) await source.addReference(parent, published)
  await using deltas = await WorkspaceDeltas.open({ workspace, source, clock })
  const index = await loadManifest(parent, source)
  const snapshot = { index, sketches: await deltas.sketches.get(index, source) }
  const profiles = await measureProfiles({ directory, plan, parent: { snapshot, source } })
  return { profile: chooseProfile(profiles, index.root.chunking.profile), profiles }
}

/** Whoever follows the ledger finds them ready when it hears of the release. */
async function prepareDeltas(
  init: PublishInit,
  known: readonly Release[],
  snapshot: CID,
  sketches: SketchTable,
  store: FsBlockStore,
): Promise<PublishSummary['deltas']> {
  const { workspace, height, clock, reporter, signal, threadsCount } = init
  const options = { ...(signal === undefined ? {} : { signal }), ...(threadsCount === undefined ? {} : { threadsCount }) }
  const source = new WorkspaceSource(store, () => {})
  await using deltas = await WorkspaceDeltas.open({ workspace, source, clock })
  await deltas.sketches.put(snapshot, sketches)
  const earlier = known.filter((release) => release.height < height && !release.manifest.equals(snapshot))
  const wanted = earlier.toReversed().slice(0, init.deltasFrom ?? DELTA_RELEASES)
  if (wanted.length > 0 && init.store === 'reference') await source.addReference(snapshot, resolve(init.directory))
  const summaries: (DeltaSummary & { readonly fromHeight: number })[] = []
  if (wanted.length === 0) return summaries
  const index = await loadManifest(snapshot, source)
  for (const { manifest, height: fromHeight } of wanted) {
    const directory = workspace.referenceOf(manifest.toString())
    if (directory !== undefined) await source.addReference(manifest, directory)
    const summary = { ...(await deltas.make(manifest, index, options)), fromHeight }
    summaries.push(summary)
    const { chunksChanged, frameBytes, deltasCount, fetchBytes, durationMs } = summary
    reporter.report({ type: 'deltas-prepared', fromHeight, chunksChanged, frameBytes, deltasCount, fetchBytes, durationMs })
  }
  return summaries
}

function manifestInit(
  { ledger, height, tool }: PublishInit,
  profile: ChunkingProfile,
  network: string,
  parent: CID | undefined,
): Parameters<typeof ingest>[0]['manifest'] {
  return {
    identity: { network, ledger, height },
    chunking: CHUNKING[profile],
    compression: { codec: 'zstd', level: ZSTD_LEVEL },
    ...(parent === undefined ? {} : { parent }),
    provenance: { tool, sourceHeight: height },
  }
}
