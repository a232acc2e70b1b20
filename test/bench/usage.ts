import { readdirSync, readFileSync } from 'node:fs'

/** What the processes of a role have cost so far. All are 0 where there is no /proc. */
export interface Usage {
  /** Most memory they ever had resident, summed over those that ran at the same time. */
  readonly rssBytesMax: number
  /** User and system time of all their threads, and of the children they have waited for. */
  readonly cpuSeconds: number
}

export const NO_USAGE: Usage = { rssBytesMax: 0, cpuSeconds: 0 }

/** Linux reports CPU time in ticks of 1/100 s on every architecture that Node runs on. */
const TICKS_PER_SECOND = 100
/** How old the list of processes may be. Reading it takes milliseconds, and all roles ask for it. */
const PROCESSES_AGE_MS_MAX = 200

/**
 * What process `pid` costs, and its children if it `hasChildren`: finding them reads about every process there is.
 * A process that has ended costs nothing, so ask before.
 */
export function readUsage(pid: number, hasChildren: boolean): Usage {
  const each = (hasChildren ? processTree(pid, readProcesses()) : [pid]).map(readOwnUsage)
  return {
    rssBytesMax: each.reduce((sum, usage) => sum + usage.rssBytesMax, 0),
    cpuSeconds: each.reduce((sum, usage) => sum + usage.cpuSeconds, 0),
  }
}

/** Bytes that process `pid` asked the kernel for in reads of any kind: files, pipes, sockets, its own modules. */
export function readBytesOf(pid: number): number {
  return Number(/^rchar: (\d+)$/m.exec(readFileSync(`/proc/${pid}/io`, 'utf8'))?.[1] ?? 0)
}

export interface ProcessStat {
  readonly parent: number
  readonly cpuSeconds: number
}

/** Of the text of `/proc/PID/stat`. */
export function parseStat(stat: string): ProcessStat {
  // The second field is the name in brackets and may hold spaces and brackets, so count from behind it.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  // 14 to 17 of the manual: own user and system time, then those of children waited for.
  const ticks = fields.slice(11, 15).reduce((sum, field) => sum + Number(field), 0)
  return { parent: Number(fields[1]), cpuSeconds: ticks / TICKS_PER_SECOND }
}

/** `root` and all that descend from it. */
export function processTree(root: number, parents: ReadonlyMap<number, number>): number[] {
  const tree = [root]
  for (const parent of tree) for (const [pid, of] of parents) if (of === parent) tree.push(pid)
  return tree
}

let recent: { readonly atMs: number; readonly parents: ReadonlyMap<number, number> } = { atMs: -Infinity, parents: new Map() }

/** The parent of every process. */
function readProcesses(): ReadonlyMap<number, number> {
  const nowMs = performance.now()
  if (nowMs - recent.atMs < PROCESSES_AGE_MS_MAX) return recent.parents
  const parents = new Map<number, number>()
  for (const name of entriesOf('/proc')) {
    const stat = /^\d+$/.test(name) ? textOf(`/proc/${name}/stat`) : undefined
    if (stat !== undefined) parents.set(Number(name), parseStat(stat).parent)
  }
  recent = { atMs: nowMs, parents }
  return parents
}

function readOwnUsage(pid: number): Usage {
  const stat = textOf(`/proc/${pid}/stat`)
  const peakKib = /^VmHWM:\s+(\d+) kB$/m.exec(textOf(`/proc/${pid}/status`) ?? '')?.[1] ?? 0
  return { rssBytesMax: Number(peakKib) * 1024, cpuSeconds: stat === undefined ? 0 : parseStat(stat).cpuSeconds }
}

/** Processes end while one reads about them, and other systems have no /proc. */
function textOf(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return undefined
  }
}

function entriesOf(path: string): string[] {
  try {
    return readdirSync(path)
  } catch {
    return []
  }
}
