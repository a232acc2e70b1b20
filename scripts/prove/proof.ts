import type { CairnProcess } from '../../test/e2e/cairn-process.ts'

export interface ProofInit {
  /** About how large the ledger is. */
  readonly bytes: number
  /** How often seats of a ledger that is agreed on are killed. */
  readonly kills: number
  /** Decides whatever is left to chance. */
  readonly seed: string
}

/** A sentence with its numbers, and whether it is true. */
export interface Claim {
  readonly claim: string
  readonly holds: boolean
}

export type Proof = (init: ProofInit) => Promise<readonly Claim[]>

export function mib(bytes: number): string {
  return `${(bytes / 1024 ** 2).toFixed(0)} MiB`
}

/** Seconds that `work` takes, with what it gives. */
export async function timed<T>(work: () => Promise<T>): Promise<readonly [result: T, seconds: number]> {
  const started = performance.now()
  const result = await work()
  return [result, (performance.now() - started) / 1000]
}

/** What a process had resident at most, as a claim against the bound that all processes keep to. One that was never looked at proves nothing. */
export function memoryClaim(name: string, process: CairnProcess): Claim {
  const { rssBytesMax } = process.usage
  return {
    claim: `${name} stays under ${mib(RSS_BYTES_MAX)} of memory: ${mib(rssBytesMax)}`,
    holds: rssBytesMax > 0 && rssBytesMax < RSS_BYTES_MAX,
  }
}

const RSS_BYTES_MAX = 300 * 1024 ** 2
