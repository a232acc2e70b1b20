import type { SnapshotStatus, StatusReport } from '@cairn/observability'
import type { RetentionDecision } from '@cairn/policy'
import type { Catalogue } from './catalogue.ts'
import type { Mirror } from './mirrors.ts'

export interface CacheSnapshotStatus extends SnapshotStatus {
  /** Channels that point, or once pointed, to it. */
  readonly channels: readonly string[]
  readonly state: 'complete' | 'partial' | 'queued' | 'skipped'
  /** Why it is kept, fetched or left out; empty until that was decided. */
  readonly decision: string
  /** When somebody last began to fetch it here (ISO 8601). */
  readonly lastUsedAt?: string
}

/** What a cache says of itself; the process adds its version and age. */
export type CacheStatus = Omit<StatusReport, 'version' | 'uptimeMs' | 'snapshots'> & {
  readonly region: string
  readonly storeBytes: number
  /** Absent where only the disk is the bound. */
  readonly capacityBytes?: number
  /** When the first of the accepted metadata files expires (ISO 8601), and whether that is past: joining nodes refuse them then. */
  readonly freshUntil: string
  readonly fresh: boolean
  readonly snapshots: readonly CacheSnapshotStatus[]
  /** Why there is nothing newer, or nothing more, while that is so. */
  readonly stalled?: string
}

/** What is held, then what is still to be fetched or finds no room; by ledger, the newest first. */
export function snapshotStatuses(
  mirrors: readonly Mirror[],
  { releases }: Catalogue,
  decisions: ReadonlyMap<string, RetentionDecision>,
): readonly CacheSnapshotStatus[] {
  const held = new Set(mirrors.map(({ cid }) => cid.toString()))
  const statuses = mirrors.map((mirror): CacheSnapshotStatus => {
    const { cid, ledger, height, channels, complete, lastUsedAt } = mirror
    const state = complete ? 'complete' : 'partial'
    return {
      ledger,
      height,
      manifest: cid.toString(),
      stage: state,
      ...bytesOf(mirror),
      channels,
      state,
      decision: decisions.get(cid.toString())?.reason ?? '',
      lastUsedAt: new Date(lastUsedAt).toISOString(),
    }
  })
  for (const { manifest, ledger, height, channels, totalBytes } of releases) {
    const decision = decisions.get(manifest.toString())
    // Most releases of a ledger are superseded: they are history, not news.
    if (held.has(manifest.toString()) || decision === undefined || decision.reason === 'superseded') continue
    const state = decision.action === 'mirror' ? 'queued' : 'skipped'
    const sizes = { bytes: 0, bytesTotal: totalBytes }
    statuses.push({ ledger, height, manifest: manifest.toString(), stage: state, ...sizes, channels, state, decision: decision.reason })
  }
  return statuses.sort((a, b) => (a.ledger === b.ledger ? b.height - a.height : a.ledger < b.ledger ? -1 : 1))
}

/** Distinct plain bytes that are here, and of the whole. */
function bytesOf({ index, have, complete }: Mirror): { readonly bytes: number; readonly bytesTotal: number } {
  if (index === undefined) return { bytes: 0, bytesTotal: 0 }
  const bytesTotal = index.root.totals.distinctBytes
  let bytes = complete ? bytesTotal : 0
  if (!complete) for (const chunk of have.indices()) bytes += index.chunkBytes(chunk)
  return { bytes, bytesTotal }
}
