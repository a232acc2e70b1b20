// What the making of deltas asks of its threads.

export interface DeltaBaseFrame {
  readonly digest: Uint8Array
  readonly frame: Uint8Array
}

/** Makes the chunk in `frame` from those in `bases`. */
export interface DeltaCall {
  readonly frame: Uint8Array
  readonly bases: readonly DeltaBaseFrame[]
  /** The most that a delta may take to be of use. */
  readonly deltaBytesMax: number
}

/** `undefined` where a delta is of no use. */
export interface DeltaReply {
  readonly delta: Uint8Array | undefined
}
