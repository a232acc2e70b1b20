import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'

/** What V8 writes with --cpu-prof, as far as it is read here. */
interface CpuProfile {
  readonly nodes: readonly {
    readonly id: number
    readonly callFrame: { readonly functionName: string; readonly url: string; readonly lineNumber: number }
  }[]
  /** Node id of each sample. */
  readonly samples: readonly number[]
  /** Microseconds before each sample. */
  readonly timeDeltas: readonly number[]
}

/** Time spent in one function itself, not in what it calls. */
export interface Cost {
  readonly name: string
  /** Of the time that was not idle. */
  readonly share: number
  readonly seconds: number
}

/** The `count` functions that cost most over all profiles in `directory`: one for each thread. */
export async function topCosts(directory: string, count: number): Promise<Cost[]> {
  const names = (await readdir(directory)).filter((name) => name.endsWith('.cpuprofile'))
  const profiles = await Promise.all(names.map(async (name) => JSON.parse(await readFile(join(directory, name), 'utf8')) as CpuProfile))
  return rankCosts(profiles).slice(0, count)
}

/** Costs of every function, highest first. */
export function rankCosts(profiles: readonly CpuProfile[]): Cost[] {
  const microseconds = new Map<string, number>()
  for (const { nodes, samples, timeDeltas } of profiles) {
    const names = new Map(nodes.map(({ id, callFrame }) => [id, describe(callFrame)]))
    // A sample's time is what passes until the next one.
    for (const [at, id] of samples.entries()) {
      const name = names.get(id)
      if (name !== undefined && name !== '(idle)') microseconds.set(name, (microseconds.get(name) ?? 0) + (timeDeltas[at + 1] ?? 0))
    }
  }
  const busy = [...microseconds.values()].reduce((sum, value) => sum + value, 0)
  return [...microseconds]
    .map(([name, value]) => ({ name, share: value / busy, seconds: value / 1e6 }))
    .sort((a, b) => b.seconds - a.seconds)
}

function describe({ functionName, url, lineNumber }: CpuProfile['nodes'][number]['callFrame']): string {
  const name = functionName === '' ? '(anonymous)' : functionName
  if (url === '') return name
  const place = url
    .replace(/^file:\/\//, '')
    .replace(/^.*\/node_modules\//, '')
    .replace(/^.*\/packages\//, 'packages/')
  return `${name} ${place}:${lineNumber + 1}`
}
