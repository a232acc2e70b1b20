import type { SlowReason, StallReason } from '@cairn/scheduler'

/** Why a participant could not get what it was asked for. */
export type SwarmFault =
  /** Nobody connected has it, or nobody is connected, and the patience given has run out. */
  | { readonly code: 'NO_SOURCE'; readonly what: string; readonly reason: StallReason; readonly waitedMs: number }
  /** The only source left sends content that does not verify. */
  | { readonly code: 'UNVERIFIABLE'; readonly what: string; readonly peer: string; readonly chunk: number }
  /** What is stored at `path` was accepted under a root that does not go back to the given one. */
  | { readonly code: 'OTHER_TRUST_ROOT'; readonly path: string }

export class SwarmError extends Error {
  override readonly name = 'SwarmError'
  readonly fault: SwarmFault

  constructor(fault: SwarmFault, options?: { readonly cause?: unknown }) {
    super(describe(fault), options)
    this.fault = fault
  }
}

/** One clause for people: why nothing arrives. */
export function describeStall(reason: StallReason): string {
  switch (reason) {
    case 'no-source':
      return 'no source is connected'
    case 'no-source-has-it':
      return 'no connected source has what is missing'
    case 'sources-slow':
      return 'the sources do not answer'
    case 'placing-slow':
      return 'the disk does not keep up'
    case 'rate-limited':
      return 'the rate that was asked for is used up'
    default:
      return reason satisfies never
  }
}

/** One clause for people: why a download asks for less than it could. */
export function describeSlowdown(reason: SlowReason): string {
  switch (reason) {
    case 'host-busy':
      return 'this machine is busy'
    case 'disk-slow':
      return 'the disk does not keep up'
    default:
      return reason satisfies never
  }
}

function describe(fault: SwarmFault): string {
  switch (fault.code) {
    case 'NO_SOURCE':
      return `no usable source for ${fault.what} within ${fault.waitedMs / 1000} s: ${describeStall(fault.reason)}`
    case 'UNVERIFIABLE':
      return `the only source of ${fault.what}, ${fault.peer}, sends chunks that do not match their digest (chunk ${fault.chunk})`
    case 'OTHER_TRUST_ROOT':
      return `${fault.path} was accepted under the root.json of another publisher than the one given`
    default:
      return fault satisfies never
  }
}
