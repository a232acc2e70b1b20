import type { Readiness, StatusReport } from '@cairn/observability'
import { STAGES, type StageClass } from '@cairn/protocol'
import { describeSlowdown } from '@cairn/swarm'
import type { Release } from '@cairn/trust'
import type { NodeParts } from './node-parts.ts'
import { type JoinProgress, stallOf } from './progress.ts'

/** What a node says of itself; the process adds its version and age. */
export type NodeStatus = Omit<StatusReport, 'version' | 'uptimeMs'> & { readonly progress: JoinProgress }

type SnapshotStatus = StatusReport['snapshots'][number]

/** Whether what is in place is enough for the ledger's own software. */
export function readiness(progress: JoinProgress): Readiness {
  const { phase, stage, isUsable, bytes, bytesHeld } = progress
  if (phase === 'complete') return { ready: true, reason: 'everything is in place' }
  if (isUsable) return { ready: true, reason: stage === undefined ? 'a version is in place' : `stage ${stage} is in place` }
  return { ready: false, reason: `${phase}: ${stallOf(progress) ?? `${bytesHeld} of ${bytes} bytes are in place`}` }
}

export function nodeStatus(parts: NodeParts, snapshots: readonly SnapshotStatus[]): NodeStatus {
  const { transport, peers, tracker } = parts
  const { progress } = tracker
  return {
    role: 'node',
    peer: transport.self,
    addresses: transport.addresses(),
    ...readiness(progress),
    snapshots,
    peers: peers.peers,
    progress,
  }
}

/** Of the release under way, or in place. */
export function snapshotStatus({ ledger, height, manifest }: Release, progress: JoinProgress): SnapshotStatus {
  const { phase, stage, bytes, bytesHeld, slowed } = progress
  const stall = stallOf(progress) ?? (slowed === undefined ? undefined : describeSlowdown(slowed))
  return {
    ledger,
    height,
    manifest: manifest.toString(),
    stage: phase === 'complete' ? phase : (nextStage(stage) ?? phase),
    bytes: bytesHeld,
    bytesTotal: bytes,
    ...(stall === undefined ? {} : { stall }),
  }
}

/** The stage under way once `committed` is in place. */
function nextStage(committed: StageClass | undefined): StageClass | undefined {
  return STAGES[committed === undefined ? 0 : STAGES.indexOf(committed) + 1]
}
