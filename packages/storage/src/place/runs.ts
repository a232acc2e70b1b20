import type { Bitmap } from '@cairn/protocol'
import type { Run } from './journal-codec.ts'

/** The runs of consecutive numbers among `indexes`, which may come in any order and more than once. */
export function runsOf(indexes: readonly number[]): readonly Run[] {
  const runs: { first: number; count: number }[] = []
  for (const index of indexes.toSorted((a, b) => a - b)) {
    const last = runs.at(-1)
    const next = last === undefined ? -1 : last.first + last.count
    if (last !== undefined && index === next) last.count++
    else if (index >= next) runs.push({ first: index, count: 1 })
  }
  return runs
}

/** The runs of set bits. */
export function bitmapRuns(bitmap: Bitmap): readonly Run[] {
  const runs: Run[] = []
  for (let first = bitmap.nextSet(0); first !== undefined;) {
    const end = bitmap.nextClear(first) ?? bitmap.size
    runs.push({ first, count: end - first })
    first = bitmap.nextSet(end)
  }
  return runs
}
