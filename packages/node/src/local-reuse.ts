import type { Bitmap, CID, SnapshotIndex } from '@cairn/protocol'
import type { Reporter } from '@cairn/runtime'
import {
  type Placer,
  type PlaceStore,
  planReuse,
  reuseChunks,
  type ReuseDirectory,
  reuseFiles,
  ReuseSources,
  type ReuseTally,
} from '@cairn/storage'
import type { Participant } from '@cairn/swarm'
import type { NodeEvent } from './events.ts'
import { BASIS_MAX } from './limits.ts'
import { planFetch } from './plan-fetch.ts'

export interface LocalReuseInit {
  readonly index: SnapshotIndex
  readonly store: PlaceStore
  /** Directories that may hold chunks, the most promising first. At least one. */
  readonly directories: readonly ReuseDirectory[]
  /** Whether the rest may be fetched while chunks are still being copied: nothing waits for stages. */
  readonly isUpdate: boolean
  /** All that {@link directories} have was taken from them. */
  readonly onReused: (() => Promise<void>) | undefined
  /** Hears of each chunk that is in place. */
  readonly onPlaced: (chunk: number) => void
  readonly signal: AbortSignal
}

export interface LocalReuseComponents {
  readonly participant: Participant
  readonly reporter: Reporter<NodeEvent>
  readonly placer: Placer
}

/** What of a snapshot is on this machine, on its way into place. Disposing of it ends that. */
export interface LocalReuse extends AsyncDisposable {
  /** Snapshots of which every chunk is here: others may come as what they add to theirs. */
  readonly basis: readonly CID[]
  /** Chunks that are in place when {@link done} resolves, unless somebody has changed what they are copied from. */
  readonly expected: Bitmap
  /** How long deltas that are being made are worth waiting for. */
  readonly deltasWaitMs: number
  /** @throws {StorageError} as `reuseChunks`; the signal's reason */
  readonly done: Promise<ReuseTally>
}

/**
 * Takes over whole files and begins to copy chunks, and says meanwhile what will come from where. When it resolves, the store knows what
 * deltas are made from, so that the rest can be fetched while chunks are still being copied: the disk and the network work at once.
 *
 * Where a directory is given up for good once all was taken from it, the copies are awaited: what is fetched needs its room.
 *
 * @throws {StorageError} `NO_SPACE`, `IO_FAILED`; the signal's reason
 */
export async function startReuse(init: LocalReuseInit, components: LocalReuseComponents): Promise<LocalReuse> {
  const { index, store, directories, isUpdate, onReused, onPlaced } = init
  const { reporter, placer } = components
  const stopping = new AbortController()
  const signal = AbortSignal.any([init.signal, stopping.signal])
  if (!store.have.isFull()) reporter.report({ type: 'waiting', reason: 'reusing' })
  const sources = await ReuseSources.open({ target: index, have: store.have, directories, placer, signal })
  const basis = sources.snapshots.filter((snapshot) => !snapshot.equals(index.cid)).slice(0, BASIS_MAX)
  const plan = planReuse(store, index, sources)
  const filesShared = await reuseFiles(store, index, sources, signal)
  store.useBases(sources)
  const planned = Promise.withResolvers<void>()
  const copying = reuseChunks(store, index, sources, { signal, onPlaced })
  const done = (async (): Promise<ReuseTally> => {
    const tally = await copying
    await planned.promise // what was planned is told first
    reporter.report({ type: 'reused', filesShared, ...tally })
    return tally
  })()
  done.catch(() => {}) // whoever waits for it hears of it
  const stop = async (): Promise<void> => {
    stopping.abort()
    planned.resolve()
    await done.catch(() => undefined)
  }
  let deltasWaitMs = 0
  try {
    deltasWaitMs = await reportPlan(plan, basis, { index, signal }, components)
    planned.resolve()
    const isGivenUp = directories.some(({ methods }) => methods.includes('move'))
    if (!isUpdate || isGivenUp) await done
    await onReused?.()
  } catch (error) {
    await stop()
    throw error
  }
  const expected = store.have.clone()
  for (let chunk = plan.missing.nextClear(0); chunk !== undefined; chunk = plan.missing.nextClear(chunk + 1)) expected.set(chunk)
  return { basis, expected, deltasWaitMs, done, [Symbol.asyncDispose]: stop }
}

/** Says what will come from where; how long deltas that are being made are worth waiting for. */
async function reportPlan(
  plan: ReturnType<typeof planReuse>,
  basis: readonly CID[],
  { index, signal }: Pick<LocalReuseInit, 'index' | 'signal'>,
  { participant, reporter }: LocalReuseComponents,
): Promise<number> {
  const { deltasWaitMs, ...fetch } = await planFetch(index, plan.missing, basis, participant, signal)
  reporter.report({
    type: 'planned',
    files: index.root.totals.files,
    filesReused: plan.files,
    chunksReused: plan.chunks,
    bytesReused: plan.bytes,
    ...fetch,
  })
  if (deltasWaitMs > 0) reporter.report({ type: 'waiting', reason: 'deltas' })
  return deltasWaitMs
}
