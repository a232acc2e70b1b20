import { type CID, deltaRecipe, ProtocolError } from '@cairn/protocol'

/** Chunks that are asked for together, and the snapshots to whose chunks they may come as deltas. */
export interface BasisGroup {
  readonly basis: readonly CID[]
  readonly chunks: readonly number[]
}

/** Which chunks of one download may come as deltas, and to what. */
export class DeltaTerms {
  /** Snapshots of which all chunks are here. */
  readonly basis: readonly CID[]
  /** Of these a base turned out to be missing here. */
  readonly #whole = new Set<number>()

  constructor(basis: readonly CID[] = []) {
    this.basis = basis
  }

  /** `chunks` in at most two groups. */
  split(chunks: readonly number[]): readonly BasisGroup[] {
    const groups = [
      { basis: this.basis, chunks: chunks.filter((chunk) => !this.#whole.has(chunk)) },
      { basis: [], chunks: chunks.filter((chunk) => this.#whole.has(chunk)) },
    ]
    return groups.filter((group) => group.chunks.length > 0)
  }

  /** From now on `chunk` is asked for whole. */
  wantWhole(chunk: number): void {
    this.#whole.add(chunk)
  }

  /**
   * Whether `frame` is a delta.
   *
   * @throws {ProtocolError} `MALFORMED`, also for a delta of a chunk that was asked for whole
   */
  isDelta(chunk: number, frame: Uint8Array): boolean {
    if (deltaRecipe(frame) === undefined) return false
    if (this.basis.length > 0 && !this.#whole.has(chunk)) return true
    throw new ProtocolError({ code: 'MALFORMED', what: 'frame', reason: 'a delta that nobody asked for' })
  }
}
