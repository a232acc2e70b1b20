import { type DeltaBase, type DeltaPiece, encodeDelta } from '../delta.ts'
import { DELTA_BASES_BYTES_MAX, DELTA_BASES_MAX, DELTA_DICTIONARY_BYTES_MAX, DELTA_PIECES_MAX } from '../limits.ts'
import { ANCHOR_PLACES_MAX, type AnchorIndex } from './anchor-index.ts'
import { ANCHOR_WINDOW_BYTES, anchorsOf } from './anchors.ts'

/** A part of an old chunk. */
export interface ChunkPiece {
  /** Index of the chunk in the old snapshot. */
  readonly chunk: number
  readonly offset: number
  readonly bytes: number
}

/** The delta of `plain` that is made from `pieces`, of which there are some. */
export function encodeFromPieces(plain: Uint8Array, pieces: readonly ChunkPiece[], baseOf: (chunk: number) => DeltaBase): Uint8Array {
  // By digest: what was cut anew for a comparison may have the same chunk at several places.
  const positions = new Map<string, number>()
  const bases: DeltaBase[] = []
  const recipe = pieces.map(({ chunk, offset, bytes }): DeltaPiece => {
    const base = baseOf(chunk)
    const key = Buffer.from(base.digest).toString('latin1')
    const position = positions.get(key) ?? bases.push(base) - 1
    positions.set(key, position)
    return { base: position, offset, bytes }
  })
  return encodeDelta(plain, bases, recipe)
}

/** An anchor belongs to a run if it is as far from its old place as the run's last one, give or take what edits insert or remove. */
const SHIFT_MAX = 1024
/** … and if no more than this lies between them. */
const GAP_BYTES_MAX = 64 * 1024
/** Runs that an anchor may belong to, the latest ones: merging sorted tables goes back and forth between some. */
const RECENT_RUNS = 8
/** What is taken besides the bytes between a run's anchors, on both sides: edits are near, and what lies between two runs was perhaps there too. */
const MARGIN_BYTES = 4096

/** Content of the new chunk that was somewhere in the old one, with edits. */
interface Run {
  /** Old position less new one, at the last anchor. */
  shift: number
  oldStart: number
  oldEnd: number
  newStart: number
  newEnd: number
  anchors: number
}

interface Range {
  start: number
  end: number
  newStart: number
  anchors: number
}

/** Finds what old content a new chunk is best made from. */
export class PieceFinder {
  readonly #index: AnchorIndex
  /** Position of each old chunk, and of the end of the last one. */
  readonly #starts: Float64Array
  readonly #places = new Float64Array(ANCHOR_PLACES_MAX)

  constructor(index: AnchorIndex, starts: Float64Array) {
    this.#index = index
    this.#starts = starts
  }

  /**
   * Pieces for `plain`, in the order in which it has their content; within the bounds of a delta, those with most in common first. None
   * where nothing was found.
   */
  find(plain: Uint8Array): readonly ChunkPiece[] {
    const ranges = this.#widen(this.#runsOf(plain))
    return this.#choose(ranges)
  }

  #runsOf(plain: Uint8Array): readonly Run[] {
    const runs: Run[] = []
    let run: Run | undefined
    const anchors = anchorsOf(plain, this.#index.table.bits)
    for (let i = 0; i < anchors.length; i += 2) {
      const at = anchors[i + 1]!
      const count = this.#index.places(anchors[i]! | 0, this.#places)
      if (count === 0) continue
      const continued = this.#continued(run, at, count)
      // What is at several places says where it comes from only by what came before it.
      if (continued === undefined && count > 1) continue
      const old = continued ?? this.#places[0]!
      run = continued === undefined ? runs.slice(-RECENT_RUNS).findLast((recent) => isContinued(recent, at, old)) : run
      if (run === undefined) {
        run = {
          shift: old - at,
          oldStart: old - ANCHOR_WINDOW_BYTES,
          oldEnd: old,
          newStart: at - ANCHOR_WINDOW_BYTES,
          newEnd: at,
          anchors: 1,
        }
        runs.push(run)
        continue
      }
      run.shift = old - at
      run.oldEnd = Math.max(run.oldEnd, old)
      run.newEnd = at
      run.anchors += 1
    }
    return runs
  }

  /** Which of the first `count` places found goes on with `run`. */
  #continued(run: Run | undefined, at: number, count: number): number | undefined {
    if (run === undefined) return undefined
    for (let i = 0; i < count; i++) if (isContinued(run, at, this.#places[i]!)) return this.#places[i]
    return undefined
  }

  /** The runs with their margins, those that touch in one. */
  #widen(runs: readonly Run[]): readonly Range[] {
    const end = this.#starts.at(-1) ?? 0
    const ranges = runs.map(({ oldStart, oldEnd, newStart, anchors }): Range => {
      return { start: Math.max(0, oldStart - MARGIN_BYTES), end: Math.min(end, oldEnd + MARGIN_BYTES), newStart, anchors }
    })
    const widened: Range[] = []
    for (const range of ranges.sort((a, b) => a.start - b.start)) {
      const last = widened.at(-1)
      if (last === undefined || range.start > last.end) {
        widened.push(range)
        continue
      }
      last.end = Math.max(last.end, range.end)
      last.newStart = Math.min(last.newStart, range.newStart)
      last.anchors += range.anchors
    }
    return widened
  }

  #choose(ranges: readonly Range[]): readonly ChunkPiece[] {
    const bases = new Set<number>()
    let [basesBytes, dictionaryBytes, count] = [0, 0, 0]
    const chosen: { readonly newStart: number; readonly pieces: readonly ChunkPiece[] }[] = []
    for (const range of ranges.toSorted((a, b) => b.anchors - a.anchors)) {
      const pieces = this.#piecesOf(range)
      const added = pieces.filter(({ chunk }) => !bases.has(chunk))
      const addedBytes = added.reduce((sum, { chunk }) => sum + this.#starts[chunk + 1]! - this.#starts[chunk]!, 0)
      const isWithin =
        bases.size + added.length <= DELTA_BASES_MAX &&
        basesBytes + addedBytes <= DELTA_BASES_BYTES_MAX &&
        count + pieces.length <= DELTA_PIECES_MAX &&
        dictionaryBytes + range.end - range.start <= DELTA_DICTIONARY_BYTES_MAX
      if (!isWithin) continue
      for (const { chunk } of added) bases.add(chunk)
      basesBytes += addedBytes
      dictionaryBytes += range.end - range.start
      count += pieces.length
      chosen.push({ newStart: range.newStart, pieces })
    }
    return chosen.sort((a, b) => a.newStart - b.newStart).flatMap(({ pieces }) => pieces)
  }

  #piecesOf({ start, end }: Range): readonly ChunkPiece[] {
    const pieces: ChunkPiece[] = []
    for (let chunk = this.#chunkAt(start), at = start; at < end; chunk++) {
      const chunkEnd = Math.min(end, this.#starts[chunk + 1]!)
      if (chunkEnd > at) pieces.push({ chunk, offset: at - this.#starts[chunk]!, bytes: chunkEnd - at })
      at = chunkEnd
    }
    return pieces
  }

  /** The last chunk that begins at or before `position`. */
  #chunkAt(position: number): number {
    let low = 0
    let high = this.#starts.length - 1
    while (low + 1 < high) {
      const middle = (low + high) >>> 1
      if (this.#starts[middle]! <= position) low = middle
      else high = middle
    }
    return low
  }
}

/** Whether an anchor that ends at `at`, and at `old` in the old content, goes on with `run`. */
function isContinued({ shift, oldStart, oldEnd, newEnd }: Run, at: number, old: number): boolean {
  return Math.abs(old - at - shift) <= SHIFT_MAX && old > oldStart && at - newEnd <= GAP_BYTES_MAX && old - oldEnd <= GAP_BYTES_MAX
}
