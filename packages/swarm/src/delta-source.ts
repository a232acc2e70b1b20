import type { CID } from '@cairn/protocol'

/** What a participant has of the deltas that lead from one snapshot to another. */
export type DeltaOffer =
  | { readonly state: 'none' }
  /**
   * Frame bytes by chunk index of the snapshot that they lead to; absent where there are too many to list. While they are being made it is
   * worth asking again: those that are listed are served already.
   */
  | { readonly state: 'preparing' | 'ready'; readonly sizes?: ReadonlyMap<number, number> }

/** Deltas that a participant can serve in the place of frames. */
export interface DeltaSource {
  /**
   * A delta of the chunk `cid` whose bases all are chunks of one of `basis`, smaller than the chunk's own frame; `undefined` if there is none.
   *
   * @throws {StorageError} `IO_FAILED`, `CORRUPT` (later calls say `undefined`)
   */
  delta(cid: CID, basis: readonly CID[]): Promise<Uint8Array | undefined>
  /** Which deltas lead a holder of `from` to `snapshot`. May begin to make them. */
  offer(snapshot: CID, from: CID): Promise<DeltaOffer>
}

/** The source of a participant that has none. */
export const NO_DELTAS: DeltaSource = {
  delta: async () => undefined,
  offer: async () => ({ state: 'none' }),
}
