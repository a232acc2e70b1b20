import type { CID, SnapshotIndex } from '@cairn/protocol'
import type { Clock, Reporter } from '@cairn/runtime'
import type { BlockSource, BlockStore, Placer } from '@cairn/storage'
import { BlockStoreSink, type Participant, type ReceivedDeltas } from '@cairn/swarm'
import { CacheError } from './errors.ts'
import type { CacheEvent } from './events.ts'
import { DOWNLOAD_PATIENCE_MS } from './limits.ts'
import type { Mirrors } from './mirrors.ts'
import type { RebuildThread } from './rebuild-thread.ts'

export interface MirrorFetchComponents {
  readonly store: BlockStore
  readonly mirrors: Mirrors
  readonly participant: Participant
  readonly clock: Clock
  readonly reporter: Reporter<CacheEvent>
  /** Checks what arrives. */
  readonly placer: Placer
  readonly deltas: ReceivedDeltas
  readonly rebuilder: RebuildThread
}

/**
 * Fetches what the store lacks of one snapshot, and serves it meanwhile. `pages` holds its manifest. What is near to the chunks of another
 * mirror of the ledger comes as deltas, which are kept beside the chunks that they make.
 *
 * The snapshot is listed before its first block is written, and complete only after the last one is on disk, so that whatever
 * interrupts this is taken up where it stopped.
 *
 * @throws {SwarmError} `NO_SOURCE`, `UNVERIFIABLE`
 * @throws {StorageError} `NO_SPACE`, `IO_FAILED`
 * @throws {CacheError} `OVER_CAPACITY`, `PAGE_LOST`
 */
export async function fetchMirror(
  index: SnapshotIndex,
  pages: BlockSource,
  channels: readonly string[],
  signal: AbortSignal,
  { store, mirrors, participant, clock, reporter, placer, deltas, rebuilder }: MirrorFetchComponents,
): Promise<void> {
  const startedMs = clock.monotonicMs()
  const { ledger, height } = index.root
  const name = { ledger, height, snapshot: index.cid.toString() }
  const from = basisOf(index, mirrors)
  await using keeping = from === undefined ? undefined : await deltas.begin(index, from)
  const sink = new BlockStoreSink(index, store, {
    placer,
    rebuild: (job) => rebuilder.rebuild(job),
    onDelta: async (chunk, delta) => keeping?.keep(chunk, delta),
  })
  mirrors.add(index, sink.have, channels)
  await mirrors.save()
  reporter.report({ type: 'mirror-started', ...name, bytes: index.root.totals.distinctBytes })
  for (const page of index.pages) {
    if (store.has(page)) continue
    const frame = await pages.get(page)
    if (frame === undefined) throw new CacheError({ code: 'PAGE_LOST', snapshot: name.snapshot, page: page.toString() })
    await store.put(page, frame)
  }
  const { bytesBySource } = await participant.download({
    index,
    sink,
    patienceMs: DOWNLOAD_PATIENCE_MS,
    signal,
    ...(from === undefined ? {} : { basis: [from] }),
  })
  await store.flush()
  await keeping?.finish()
  participant.hold(index.cid, ledger, sink.have)
  mirrors.completed(index.cid)
  await mirrors.save()
  reporter.report({
    type: 'mirror-complete',
    ...name,
    bytes: mirrors.get(index.cid)?.bytes ?? 0,
    receivedBytes: bytesBySource.values().reduce((sum, bytes) => sum + bytes, 0),
    durationMs: clock.monotonicMs() - startedMs,
    storeBytes: store.totalBytes,
  })
}

/** The complete mirror of the ledger that most nodes will come from as well: the newest before this one, or else the oldest after it. */
function basisOf({ cid, root }: SnapshotIndex, mirrors: Mirrors): CID | undefined {
  const others = mirrors.all
    .filter((mirror) => mirror.complete && mirror.ledger === root.ledger && !mirror.cid.equals(cid))
    .sort((a, b) => a.height - b.height)
  return (others.findLast(({ height }) => height < root.height) ?? others[0])?.cid
}
