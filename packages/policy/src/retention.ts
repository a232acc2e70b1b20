import type { CID } from '@cairn/protocol'

/** What is known of one snapshot that a store holds or could mirror. */
export interface SnapshotFacts {
  readonly cid: CID
  readonly ledger: string
  readonly height: number
  /** What a complete copy takes on disk if it shares nothing. */
  readonly bytes: number
  readonly held: 'none' | 'partial' | 'complete'
  /** When it was last asked for, on any clock; larger is later. */
  readonly lastUsedAt: number
  /** Channels that point, or once pointed, to it. */
  readonly channels: readonly string[]
}

export interface RetentionInit {
  readonly capacityBytes: number
  /** Channels whose newest versions are mirrored and pinned, the most important first. */
  readonly channels: readonly string[]
  /** Versions to pin per ledger and channel: 2 leaves a way back when a release is withdrawn. */
  readonly versionsPinned: 1 | 2
  /** What `snapshot` takes beside those in `kept`, for callers who know which chunks they share. Default: its `bytes`. */
  readonly addedBytes?: (snapshot: SnapshotFacts, kept: readonly SnapshotFacts[]) => number
}

/** What to do with a snapshot, and why. */
export type RetentionDecision = { readonly snapshot: SnapshotFacts } & (
  | { readonly action: 'keep'; readonly reason: 'newest' | 'previous' | 'recently-used' }
  /** Fetch what is missing of it. */
  | { readonly action: 'mirror'; readonly reason: 'newest' | 'previous' }
  /** Drop what is held of it. `incomplete` is a download that a newer version has overtaken. */
  | { readonly action: 'evict'; readonly reason: 'least-recently-used' | 'incomplete' | 'no-room' }
  /** Nothing is held of it, and nothing will be. */
  | { readonly action: 'skip'; readonly reason: 'superseded' | 'no-room' }
)

export interface RetentionPlan {
  /** One for each snapshot, by ledger and then newest first. */
  readonly decisions: readonly RetentionDecision[]
  /** To be evicted, in this order, before anything is mirrored. */
  readonly evict: readonly SnapshotFacts[]
  /** To be mirrored, in this order. */
  readonly mirror: readonly SnapshotFacts[]
  /** What is kept and mirrored will take. Above the capacity only if the complete newest versions alone are. */
  readonly plannedBytes: number
}

/**
 * Decides which snapshots a store of `capacityBytes` keeps, fetches and drops.
 *
 * Room is given in this order, each snapshot taking it if it fits:
 * 1. newest versions of followed channels that are complete: never evicted, even above the capacity;
 * 2. newest versions that are still to be fetched, by importance of the channel;
 * 3. the versions before them, when two are pinned;
 * 4. whatever else is complete, last used first.
 *
 * The same snapshots give the same plan in whatever order they come, and a plan that was carried out is followed by one that
 * changes nothing.
 */
export function planRetention(snapshots: readonly SnapshotFacts[], init: RetentionInit): RetentionPlan {
  const { capacityBytes, addedBytes = (snapshot) => snapshot.bytes } = init
  const ordered = [...snapshots].sort(byLedgerAndHeight)
  const pins = pinsOf(ordered, init)
  const kept: SnapshotFacts[] = []
  let plannedBytes = 0

  function admit(snapshot: SnapshotFacts, mustKeep: boolean): void {
    const bytes = addedBytes(snapshot, kept)
    if (!mustKeep && plannedBytes + bytes > capacityBytes) return
    kept.push(snapshot)
    plannedBytes += bytes
  }

  const isNewestHeld = (snapshot: SnapshotFacts): boolean => snapshot.held === 'complete' && pins.get(snapshot) === 'newest'
  for (const snapshot of ordered) if (isNewestHeld(snapshot)) admit(snapshot, true)
  for (const snapshot of pins.keys()) if (!isNewestHeld(snapshot)) admit(snapshot, false)
  for (const snapshot of ordered.filter(({ held }) => held === 'complete').sort(byUse)) if (!pins.has(snapshot)) admit(snapshot, false)

  const admitted = new Set(kept)
  const decisions = ordered.map((snapshot) => decide(snapshot, pins.get(snapshot), admitted.has(snapshot)))
  const evicted = decisions.filter(({ action }) => action === 'evict').map(({ snapshot }) => snapshot)
  return {
    decisions,
    evict: evicted.sort((a, b) => Number(a.held === 'complete') - Number(b.held === 'complete') || byUse(b, a)),
    mirror: [...pins.keys()].filter((snapshot) => snapshot.held !== 'complete' && admitted.has(snapshot)),
    plannedBytes,
  }
}

type Pin = 'newest' | 'previous'

/** The versions to pin: all newest ones before all previous ones, each by importance of their channel. */
function pinsOf(ordered: readonly SnapshotFacts[], { channels, versionsPinned }: RetentionInit): ReadonlyMap<SnapshotFacts, Pin> {
  const pins = new Map<SnapshotFacts, Pin>()
  const kinds = (['newest', 'previous'] as const).slice(0, versionsPinned)
  for (const [age, pin] of kinds.entries()) {
    for (const channel of channels) {
      const versions = ordered.filter((snapshot) => snapshot.channels.includes(channel))
      for (const ofLedger of Map.groupBy(versions, ({ ledger }) => ledger).values()) {
        const snapshot = ofLedger[age]
        // The newest of one channel is often the previous of another: the stronger claim came first and stands.
        if (snapshot !== undefined && !pins.has(snapshot)) pins.set(snapshot, pin)
      }
    }
  }
  return pins
}

function decide(snapshot: SnapshotFacts, pin: Pin | undefined, admitted: boolean): RetentionDecision {
  const { held } = snapshot
  if (pin === undefined) {
    if (held === 'none') return { snapshot, action: 'skip', reason: 'superseded' }
    if (held === 'partial') return { snapshot, action: 'evict', reason: 'incomplete' }
    return admitted ? { snapshot, action: 'keep', reason: 'recently-used' } : { snapshot, action: 'evict', reason: 'least-recently-used' }
  }
  if (admitted) return { snapshot, action: held === 'complete' ? 'keep' : 'mirror', reason: pin }
  return { snapshot, action: held === 'none' ? 'skip' : 'evict', reason: 'no-room' }
}

function byLedgerAndHeight(a: SnapshotFacts, b: SnapshotFacts): number {
  return compareText(a.ledger, b.ledger) || b.height - a.height || byCid(a, b)
}

/** Last used first; of two used at once the newer version. */
function byUse(a: SnapshotFacts, b: SnapshotFacts): number {
  return b.lastUsedAt - a.lastUsedAt || byLedgerAndHeight(a, b)
}

function byCid(a: SnapshotFacts, b: SnapshotFacts): number {
  return compareText(a.cid.toString(), b.cid.toString())
}

/** By code unit: a locale would give every machine its own order. */
function compareText(a: string, b: string): number {
  if (a === b) return 0
  return a < b ? -1 : 1
}
