import type { SnapshotIndex } from '@cairn/protocol'
import type { Clock, Reporter } from '@cairn/runtime'
import type { BlockSource, BlockStore, Placer } from '@cairn/storage'
import { BlockStoreSink, type Participant } from '@cairn/swarm'
import { CacheError } from './errors.ts'
import type { CacheEvent } from './events.ts'
import { DOWNLOAD_PATIENCE_MS } from './limits.ts'
import type { Mirrors } from './mirrors.ts'

export interface MirrorFetchComponents {
  readonly store: BlockStore
  readonly mirrors: Mirrors
  readonly participant: Participant
  readonly clock: Clock
  readonly reporter: Reporter<CacheEvent>
  /** Checks what arrives. */
  readonly placer: Placer
}

/**
 * Fetches what the store lacks of one snapshot, and serves it meanwhile. `pages` holds its manifest.
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
  { store, mirrors, participant, clock, reporter, placer }: MirrorFetchComponents,
): Promise<void> {
  const startedMs = clock.monotonicMs()
  const { ledger, height } = index.root
  const name = { ledger, height, snapshot: index.cid.toString() }
  const sink = new BlockStoreSink(index, store, { placer })
  mirrors.add(index, sink.have, channels)
  await mirrors.save()
  reporter.report({ type: 'mirror-started', ...name, bytes: index.root.totals.distinctBytes })
  for (const page of index.pages) {
    if (store.has(page)) continue
    const frame = await pages.get(page)
    if (frame === undefined) throw new CacheError({ code: 'PAGE_LOST', snapshot: name.snapshot, page: page.toString() })
    await store.put(page, frame)
  }
  const { bytesBySource } = await participant.download({ index, sink, patienceMs: DOWNLOAD_PATIENCE_MS, signal })
  await store.flush()
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
