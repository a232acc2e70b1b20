import type { CommitteeSize } from '@cairn/ledger'

/** Thresholds by committee size, written by hand: what the checker believes must not come from the code that it checks. */
const TABLE: Readonly<Record<string, readonly [quorum: number, fast: number, weak: number, holders: number]>> = {
  '1/0/0/0': [1, 1, 1, 1],
  '3/0/1/0': [2, 3, 1, 2],
  '5/0/2/1': [3, 4, 2, 3],
  '4/1/0/0': [3, 4, 2, 2],
  '7/1/1/1': [5, 6, 3, 3],
  '10/1/2/2': [6, 8, 4, 4],
}

export interface OracleThresholds {
  readonly quorum: number
  readonly fast: number
  readonly weak: number
  readonly holders: number
}

export function oracleThresholds({ n, f, c, p }: CommitteeSize): OracleThresholds {
  const row = TABLE[`${n}/${f}/${c}/${p}`]
  if (row === undefined) throw new RangeError(`no thresholds were written down for ${n}/${f}/${c}/${p}`)
  const [quorum, fast, weak, holders] = row
  return { quorum, fast, weak, holders }
}
