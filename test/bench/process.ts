import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { onExit } from './cleanup.ts'
import { NO_USAGE, readUsage, type Usage } from './usage.ts'

export type { Usage } from './usage.ts'

export interface RoleProcessInit {
  /** What it plays, for messages: `source`, `node 2`. */
  readonly role: string
  readonly command: string
  readonly args: readonly string[]
  /** It is a shell or a master whose children's cost is to be counted. */
  readonly hasChildren?: boolean
  /** Is given every line of its stdout. */
  readonly onLine?: (line: string) => void
}

const USAGE_POLL_MS = 100
const STOP_GRACE_MS = 10_000

/** One role in a process of its own: wait for what it says, read what it costs, stop it and its children. */
export class RoleProcess implements AsyncDisposable {
  readonly role: string
  readonly #child: ChildProcess
  readonly #hasChildren: boolean
  readonly #exited: Promise<number>
  readonly #lines: string[] = []
  readonly #waiting = new Set<() => void>()
  readonly #poll: NodeJS.Timeout
  #stderr = ''
  #usage: Usage = NO_USAGE
  #hasExited = false

  constructor({ role, command, args, hasChildren = false, onLine }: RoleProcessInit) {
    this.role = role
    this.#hasChildren = hasChildren
    // A process group of its own: a shell's pipeline ends as one.
    this.#child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'], detached: true })
    const forget = onExit(() => this.kill('SIGKILL'))
    createInterface({ input: this.#child.stdout! }).on('line', (line) => {
      this.#lines.push(line)
      onLine?.(line)
      this.#wake()
    })
    this.#child.stderr!.on('data', (bytes: Buffer) => {
      this.#stderr = (this.#stderr + bytes.toString()).slice(-4096)
    })
    this.#exited = once(this.#child, 'close').then(([code]) => {
      clearInterval(this.#poll)
      this.#hasExited = true
      forget()
      this.#wake()
      return typeof code === 'number' ? code : -1
    })
    this.#exited.catch(() => {}) // whoever waits for the exit hears of it
    // What /proc knows is gone once the process is.
    this.#poll = setInterval(() => this.#readUsage(), USAGE_POLL_MS)
  }

  get pid(): number {
    return this.#child.pid!
  }

  /** Every line of its stdout so far. */
  get lines(): readonly string[] {
    return this.#lines
  }

  /** The end of its stderr so far. */
  get stderr(): string {
    return this.#stderr
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

  /** Sends `signal` to it and its children. */
  kill(signal: NodeJS.Signals): void {
    if (this.#hasExited || this.#child.pid === undefined) return
    try {
      process.kill(-this.#child.pid, signal)
    } catch {
      // All of them have just ended.
    }
  }

  /** Asks it to end; kills it if it does not within 10 s. */
  async stop(): Promise<void> {
    if (this.#hasExited) return
    this.kill('SIGTERM')
    const kill = setTimeout(() => this.kill('SIGKILL'), STOP_GRACE_MS)
    await this.#exited
    clearTimeout(kill)
  }

  /** Ends it at once, as a power cut would. */
  async crash(): Promise<void> {
    this.kill('SIGKILL')
    await this.#exited
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
    const { rssBytesMax, cpuSeconds } = readUsage(this.#child.pid, this.#hasChildren)
    // A pipeline's memory falls when one of its processes ends, and of a process that has ended nothing is known.
    this.#usage = {
      rssBytesMax: Math.max(this.#usage.rssBytesMax, rssBytesMax),
      cpuSeconds: Math.max(this.#usage.cpuSeconds, cpuSeconds),
    }
  }
}
