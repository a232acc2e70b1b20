import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { createInterface } from 'node:readline'

/** What a process has cost so far. Both are 0 where there is no /proc. */
export interface Usage {
  /** Most memory it ever had resident. */
  readonly rssBytesMax: number
  /** User and system time of all its threads. */
  readonly cpuSeconds: number
}

export interface RoleProcessInit {
  /** What it plays, for messages: `origin`, `node 2`. */
  readonly role: string
  readonly command: string
  readonly args: readonly string[]
}

const USAGE_POLL_MS = 50
const STOP_GRACE_MS = 10_000
/** Linux reports CPU time in ticks of 1/100 s on every architecture that Node runs on. */
const TICKS_PER_SECOND = 100

/** One role in a process of its own: wait for what it says, read what it costs, stop it by its id. */
export class RoleProcess implements AsyncDisposable {
  readonly role: string
  readonly #child: ChildProcess
  readonly #exited: Promise<number>
  readonly #lines: string[] = []
  readonly #waiting = new Set<() => void>()
  readonly #poll: NodeJS.Timeout
  #stderr = ''
  #usage: Usage = { rssBytesMax: 0, cpuSeconds: 0 }
  #hasExited = false

  constructor({ role, command, args }: RoleProcessInit) {
    this.role = role
    this.#child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'] })
    createInterface({ input: this.#child.stdout! }).on('line', (line) => {
      this.#lines.push(line)
      this.#wake()
    })
    this.#child.stderr!.on('data', (bytes: Buffer) => {
      this.#stderr = (this.#stderr + bytes.toString()).slice(-4096)
    })
    this.#exited = once(this.#child, 'close').then(([code]) => {
      clearInterval(this.#poll)
      this.#hasExited = true
      this.#wake()
      return typeof code === 'number' ? code : -1
    })
    this.#exited.catch(() => {}) // whoever waits for the exit hears of it
    // What /proc knows is gone once the process is.
    this.#poll = setInterval(() => this.#readUsage(), USAGE_POLL_MS)
  }

  /** Cost until now, or until shortly before it ended. */
  get usage(): Usage {
    this.#readUsage()
    return this.#usage
  }

  /**
   * The match of the first line of its stdout that fits, whether already printed or still to come.
   *
   * @throws {Error} with the end of its stderr, if it ends without that line
   */
  async line(pattern: RegExp): Promise<RegExpExecArray> {
    for (let next = 0; ;) {
      for (; next < this.#lines.length; next++) {
        const match = pattern.exec(this.#lines[next]!)
        if (match !== null) return match
      }
      if (this.#hasExited) throw new Error(`${this.role} ended without a line like ${pattern}:\n${this.#stderr}`)
      await new Promise<void>((resolve) => this.#waiting.add(resolve))
    }
  }

  /**
   * Resolves when it has ended with exit code 0.
   *
   * @throws {Error} with the end of its stderr, if it ended otherwise
   */
  async succeeded(): Promise<void> {
    const code = await this.#exited
    if (code !== 0) throw new Error(`${this.role} ended with exit code ${code}:\n${this.#stderr}`)
  }

  /** Asks it to end; kills it if it does not within 10 s. */
  async stop(): Promise<void> {
    if (this.#hasExited) return
    this.#child.kill('SIGTERM')
    const kill = setTimeout(() => this.#child.kill('SIGKILL'), STOP_GRACE_MS)
    await this.#exited
    clearTimeout(kill)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop()
  }

  #wake(): void {
    for (const resolve of this.#waiting) resolve()
    this.#waiting.clear()
  }

  #readUsage(): void {
    if (this.#hasExited || this.#child.pid === undefined) return
    try {
      this.#usage = readUsage(this.#child.pid)
    } catch {
      // It has just ended, or this is not Linux.
    }
  }
}

/** @throws {Error} if there is no such process, or no /proc */
export function readUsage(pid: number): Usage {
  const peak = /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]
  if (peak === undefined) throw new Error(`process ${pid} has ended`)
  // Fields 14 and 15; the second is the name in brackets and may hold spaces, so count from behind it.
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return { rssBytesMax: Number(peak) * 1024, cpuSeconds: (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND }
}
