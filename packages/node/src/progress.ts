import type { StageClass } from '@cairn/protocol'
import type { Reporter } from '@cairn/runtime'
import { describeStall, type SlowReason, type StallReason } from '@cairn/swarm'
import type { NodeEvent } from './events.ts'
import { describeWait, type WaitReason } from './wait-reason.ts'

/** Where a join stands; a plain value, for status pages and progress lines. */
export interface JoinProgress {
  readonly phase: WaitReason | 'fetching' | 'finishing' | 'staged' | 'complete'
  readonly chunksCount: number
  readonly chunksHeld: number
  /** Distinct plain bytes of what is to be fetched, the snapshot or its first stages, and how many of them are in place. */
  readonly bytes: number
  readonly bytesHeld: number
  /** Frame bytes that arrived and were used, and that were not. */
  readonly receivedBytes: number
  readonly wastedBytes: number
  readonly servedBytes: number
  /** The last stage that is in place, with all before it. */
  readonly stage: StageClass | undefined
  /** Whether the ledger's own software can start. */
  readonly isUsable: boolean
  /** When it became so, in milliseconds from the start. */
  readonly usableMs: number | undefined
  readonly slowed: SlowReason | undefined
  readonly stalled: StallReason | undefined
  readonly peersCount: number
}

const START: JoinProgress = {
  phase: 'connecting',
  chunksCount: 0,
  chunksHeld: 0,
  bytes: 0,
  bytesHeld: 0,
  receivedBytes: 0,
  wastedBytes: 0,
  servedBytes: 0,
  stage: undefined,
  isUsable: false,
  usableMs: undefined,
  slowed: undefined,
  stalled: undefined,
  peersCount: 0,
}

/** One clause for people: why nothing arrives, while nothing does. */
export function stallOf({ phase, stalled }: JoinProgress): string | undefined {
  if (isWait(phase)) return describeWait(phase)
  return stalled === undefined ? undefined : describeStall(stalled)
}

function isWait(phase: JoinProgress['phase']): phase is WaitReason {
  return phase !== 'fetching' && phase !== 'finishing' && phase !== 'staged' && phase !== 'complete'
}

/** Follows a join by its events alone, so that what people are shown is what was reported. */
export class ProgressTracker implements Reporter<NodeEvent> {
  #progress: JoinProgress = START

  get progress(): JoinProgress {
    return this.#progress
  }

  report(event: NodeEvent): void {
    this.#progress = advance(this.#progress, event)
  }
}

function advance(progress: JoinProgress, event: NodeEvent): JoinProgress {
  switch (event.type) {
    case 'waiting':
      return { ...progress, phase: event.reason }
    case 'download-started': {
      const { chunksCount, chunksHeld, bytes, bytesHeld } = event
      return { ...progress, phase: 'fetching', chunksCount, chunksHeld, bytes, bytesHeld }
    }
    case 'chunk-received':
      return {
        ...progress,
        chunksHeld: progress.chunksHeld + 1,
        bytesHeld: progress.bytesHeld + event.plainBytes,
        receivedBytes: progress.receivedBytes + event.frameBytes,
      }
    case 'chunk-wasted':
      return { ...progress, wastedBytes: progress.wastedBytes + event.frameBytes }
    case 'block-served':
      return { ...progress, servedBytes: progress.servedBytes + event.frameBytes }
    case 'download-stalled':
      return { ...progress, stalled: event.reason }
    case 'download-resumed':
      return { ...progress, stalled: undefined }
    case 'download-complete':
      return { ...progress, phase: 'finishing', stalled: undefined, slowed: undefined }
    case 'download-slowed':
      return { ...progress, slowed: event.reason }
    case 'download-recovered':
      return { ...progress, slowed: undefined }
    case 'stage-committed':
      return { ...progress, stage: event.stage }
    case 'usable':
      return { ...progress, isUsable: true, usableMs: event.sinceStartMs }
    case 'rolled-back':
      return {
        ...progress,
        stage: event.stage ?? undefined,
        isUsable: progress.isUsable && event.stage !== null,
        chunksHeld: Math.max(0, progress.chunksHeld - event.chunksCount),
        bytesHeld: Math.max(0, progress.bytesHeld - event.bytes),
      }
    case 'join-staged':
      return { ...progress, phase: 'staged' }
    case 'join-complete':
      return { ...progress, phase: 'complete' }
    case 'peer-connected':
      return { ...progress, peersCount: progress.peersCount + 1 }
    case 'peer-disconnected':
      return { ...progress, peersCount: progress.peersCount - 1 }
    default:
      return progress
  }
}
