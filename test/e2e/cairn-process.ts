import { type ChildProcessByStdio, spawn } from 'node:child_process'
import { once } from 'node:events'
import type { Readable } from 'node:stream'
import { fileURLToPath } from 'node:url'
import { COMPILE_CACHE } from './compile-cache.ts'
import { type ProcessUsage, readUsage } from './process-usage.ts'

/** One line of `--json` output. */
export interface CairnEvent {
  readonly type: string
  readonly [member: string]: unknown
}

export interface CairnProcessInit {
  readonly args: readonly string[]
  /** Runs this script instead of the command line. */
  readonly script?: string
  /** The interpreter, if not the one that runs the tests. */
  readonly node?: string
  /** How long it may take until something that is waited for; by default no wait of a test is meant to take as long, whatever else the machine does. */
  readonly patienceMs?: number
  /** How often its memory and reads are looked up: what /proc knows is gone once the process is. */
  readonly usagePollMs?: number
}

/** How a process ended: `signal` is set, and `exitCode` null, when it was killed. */
export interface Exit {
  readonly exitCode: number | null
  readonly signal: NodeJS.Signals | null
}

export const CAIRN = fileURLToPath(new URL('../../packages/cli/bin/cairn.js', import.meta.url))

const PATIENCE_MS = 120_000
const USAGE_POLL_MS = 20

/** One real process: its events, what it wrote to stderr, what it cost, how it ended. Disposing of it kills it if it still runs. */
export class CairnProcess implements AsyncDisposable {
  readonly #child: ChildProcessByStdio<null, Readable, Readable>
  readonly #args: readonly string[]
  readonly #events: CairnEvent[] = []
  readonly #watchers = new Set<() => void>()
  readonly #poll: NodeJS.Timeout
  readonly #patienceMs: number
  #stdout = ''
  #stderr = ''
  #rest = ''
  #exit: Exit | undefined
  #usage: ProcessUsage = { rssBytesMax: 0, readBytes: 0 }

  constructor({ args, script = CAIRN, node = process.execPath, patienceMs = PATIENCE_MS, usagePollMs = USAGE_POLL_MS }: CairnProcessInit) {
    this.#args = args
    this.#patienceMs = patienceMs
    this.#child = spawn(node, [script, ...args], { stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, ...COMPILE_CACHE } })
    this.#child.stdout.setEncoding('utf8').on('data', (text: string) => this.#read(text))
    this.#child.stderr.setEncoding('utf8').on('data', (text: string) => {
      this.#stderr += text
      this.#wake()
    })
    this.#child.on('close', (exitCode, signal) => {
      clearInterval(this.#poll)
      this.#exit = { exitCode, signal }
      this.#wake()
    })
    this.#poll = setInterval(() => this.#readUsage(), usagePollMs)
  }

  get pid(): number | undefined {
    return this.#child.pid
  }

  /** What it printed with `--json`, in order. */
  get events(): readonly CairnEvent[] {
    return this.#events
  }

  get stdout(): string {
    return this.#stdout
  }

  get stderr(): string {
    return this.#stderr
  }

  /** Cost until now, or until shortly before it ended. */
  get usage(): ProcessUsage {
    this.#readUsage()
    return this.#usage
  }

  get hasEnded(): boolean {
    return this.#exit !== undefined
  }

  eventsOf(type: string): readonly CairnEvent[] {
    return this.#events.filter((event) => event.type === type)
  }

  /**
   * The first event of `type` that `matches`, already printed or still to come.
   *
   * @throws {Error} with its stderr, if it ends without
   */
  event(type: string, matches: (event: CairnEvent) => boolean = () => true): Promise<CairnEvent> {
    let seen = 0
    return this.until(`event ${type}`, () => {
      const fresh = this.#events.slice(seen)
      seen = this.#events.length
      return fresh.find((event) => event.type === type && matches(event))
    })
  }

  /**
   * What `probe` gives, as soon as it gives something: it is asked after each event, each write to stderr, and at the end.
   *
   * @throws {Error} naming `what`, with its stderr, if it ends without
   */
  async until<T>(what: string, probe: () => T | undefined): Promise<T> {
    return await this.#watch(what, () => {
      const found = probe()
      if (found === undefined && this.#exit !== undefined) throw this.#failure(`ended (${JSON.stringify(this.#exit)}) without ${what}`)
      return found
    })
  }

  /** Resolves when it has ended and all of its output is here. */
  async exit(): Promise<Exit> {
    return await this.#watch('its end', () => this.#exit)
  }

  /** @throws {Error} with its stderr, if it ends with another exit code than 0 */
  async succeeded(): Promise<void> {
    const { exitCode, signal } = await this.exit()
    if (exitCode !== 0) throw this.#failure(`ended with ${exitCode ?? signal}`)
  }

  /** `kill -9`; resolves when it is gone. One that has ended already stays as it is. */
  async kill(): Promise<Exit> {
    this.#child.kill('SIGKILL')
    return await this.exit()
  }

  /** Asks it to end. */
  async stop(): Promise<Exit> {
    this.#child.kill('SIGTERM')
    return await this.exit()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#exit !== undefined) return
    this.#child.kill('SIGKILL')
    await once(this.#child, 'close')
  }

  /** Lines are split at line feeds only: file names in them may hold any other separator. The last line of a killed process may be cut. */
  #read(text: string): void {
    this.#stdout += text
    const lines = (this.#rest + text).split('\n')
    this.#rest = lines.pop() ?? ''
    for (const line of lines) if (line.startsWith('{')) this.#events.push(JSON.parse(line) as CairnEvent)
    this.#wake()
  }

  #wake(): void {
    for (const watcher of this.#watchers) watcher()
  }

  #watch<T>(what: string, probe: () => T | undefined): Promise<T> {
    return new Promise((resolve, reject) => {
      const settle = (end: () => void): void => {
        clearTimeout(watchdog)
        this.#watchers.delete(watcher)
        end()
      }
      const watcher = (): void => {
        try {
          const found = probe()
          if (found !== undefined) settle(() => resolve(found))
        } catch (error) {
          settle(() => reject(error))
        }
      }
      const watchdog = setTimeout(() => settle(() => reject(this.#failure(`still waiting for ${what}`))), this.#patienceMs)
      this.#watchers.add(watcher)
      watcher()
    })
  }

  #readUsage(): void {
    const usage = this.#child.pid === undefined || this.#exit !== undefined ? undefined : readUsage(this.#child.pid)
    if (usage !== undefined) this.#usage = usage
  }

  #failure(what: string): Error {
    return new Error(`cairn ${this.#args.join(' ')}\n${what}; its stderr:\n${this.#stderr}`)
  }
}
