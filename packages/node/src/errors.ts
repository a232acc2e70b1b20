import type { StageClass } from '@cairn/protocol'

/** Why a node refused a join or a read. */
export type NodeFault =
  /** The signed release and the manifest it names disagree: the publisher's mistake or a stolen key. */
  | {
      readonly code: 'MANIFEST_MISMATCH'
      readonly snapshot: string
      readonly what: string
      readonly found: string
      readonly wanted: string
    }
  /** Nothing in the release belongs to this stage or one before it, so having it would make nothing usable. */
  | { readonly code: 'NO_SUCH_STAGE'; readonly ledger: string; readonly height: number; readonly stage: StageClass }
  /** Only a whole version can take the place of another one. */
  | { readonly code: 'STAGE_OF_UPDATE'; readonly path: string; readonly stage: StageClass }
  | { readonly code: 'UNKNOWN_PATH'; readonly path: string }
  | { readonly code: 'NOT_A_FILE'; readonly path: string; readonly found: 'directory' | 'symlink' }
  | { readonly code: 'OUT_OF_RANGE'; readonly path: string; readonly from: number; readonly to: number; readonly bytes: number }
  /** What was to be read is not here, and no join is running that would fetch it. */
  | { readonly code: 'NOT_FETCHING'; readonly path: string }

export class NodeError extends Error {
  override readonly name = 'NodeError'
  readonly fault: NodeFault

  constructor(fault: NodeFault) {
    super(describe(fault))
    this.fault = fault
  }
}

function describe(fault: NodeFault): string {
  switch (fault.code) {
    case 'MANIFEST_MISMATCH':
      return `the manifest of ${fault.snapshot} is of ${fault.what} ${fault.found}, the release says ${fault.wanted}`
    case 'NO_SUCH_STAGE':
      return `${fault.ledger}@${fault.height} was published without anything in stage ${fault.stage}`
    case 'STAGE_OF_UPDATE':
      return `${fault.path} holds another version: stage ${fault.stage} alone cannot take its place`
    case 'UNKNOWN_PATH':
      return `the snapshot has no ${fault.path}`
    case 'NOT_A_FILE':
      return `${fault.path} is a ${fault.found}`
    case 'OUT_OF_RANGE':
      return `${fault.path} has ${fault.bytes} bytes: there is no range from ${fault.from} to ${fault.to}`
    case 'NOT_FETCHING':
      return `what was to be read of ${fault.path} is not here, and no join is running to fetch it`
    default:
      return fault satisfies never
  }
}
