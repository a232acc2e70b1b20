import { readFileSync } from 'node:fs'

/** What a process has cost so far. */
export interface ProcessUsage {
  /** Most memory it ever had resident. */
  readonly rssBytesMax: number
  /** Bytes it asked the kernel for in reads of any kind: files, pipes, sockets, its own modules. */
  readonly readBytes: number
}

/** Reads `/proc`: `undefined` once the process has ended, and on systems other than Linux. */
export function readUsage(pid: number): ProcessUsage | undefined {
  try {
    const rssKib = /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]
    const readBytes = /^rchar: (\d+)$/m.exec(readFileSync(`/proc/${pid}/io`, 'utf8'))?.[1]
    if (rssKib === undefined || readBytes === undefined) return undefined // a zombie has no memory
    return { rssBytesMax: Number(rssKib) * 1024, readBytes: Number(readBytes) }
  } catch {
    return undefined
  }
}
