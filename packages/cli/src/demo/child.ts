import { type ChildProcess, spawn } from 'node:child_process'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { CliError } from '../errors.ts'
import { EXIT } from '../exit-codes.ts'
import { packagePath } from '../version.ts'

/** One JSON line that a child printed. */
export type ChildEvent = { readonly type: string } & Readonly<Record<string, unknown>>

const ENTRY = join(packagePath(), 'bin', 'cairn.js')
/** Lines of a child's stderr kept to explain a failure. */
const STDERR_LINES_MAX = 20

/** One `cairn` process of the demo: started here, read through its `--json` output, and ended by its id. */
export class Child {
  readonly name: string
  readonly events: ChildEvent[] = []
  readonly #process: ChildProcess
  readonly #exited: Promise<number | undefined>
  readonly #stderr: string[] = []
  readonly #listeners = new Set<() => void>()
  #ended = false

  constructor(name: string, argv: readonly string[]) {
    this.name = name
    this.#process = spawn(process.execPath, [...process.execArgv, ENTRY, ...argv, '--json'], { stdio: ['ignore', 'pipe', 'pipe'] })
    createInterface({ input: this.#process.stdout! }).on('line', (line) => {
      this.events.push(JSON.parse(line) as ChildEvent)
      this.#notify()
    })
    createInterface({ input: this.#process.stderr! }).on('line', (line) => {
      this.#stderr.push(line)
      if (this.#stderr.length > STDERR_LINES_MAX) this.#stderr.shift()
    })
    this.#exited = new Promise((resolve) => {
      this.#process.once('error', () => resolve(undefined))
      this.#process.once('close', (code) => resolve(code ?? undefined))
    }).then((code) => {
      this.#ended = true
      this.#notify()
      return code as number | undefined
    })
  }

  /** Resolves with the first event that `matches`, past or future. */
  async event(matches: (event: ChildEvent) => boolean, signal: AbortSignal): Promise<ChildEvent> {
    for (let next = 0; ;) {
      for (; next < this.events.length; next++) if (matches(this.events[next]!)) return this.events[next]!
      signal.throwIfAborted()
      if (this.#ended) throw this.#failure('ended early')
      await this.#changed(signal)
    }
  }

  /** Resolves when the process has ended by itself with exit code 0. */
  async done(): Promise<void> {
    const code = await this.#exited
    if (code !== 0) throw this.#failure(`ended with exit code ${code ?? 'none'}`)
  }

  /** Ends the process and resolves when it is gone. */
  async kill(signal: 'SIGTERM' | 'SIGKILL'): Promise<void> {
    if (!this.#ended) this.#process.kill(signal)
    await this.#exited
  }

  #failure(what: string): CliError {
    return new CliError(`${this.name} ${what}: ${this.#stderr.join(' ')}`, undefined, EXIT.failed, { code: 'DEMO_FAILED' })
  }

  #changed(signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const done = (): void => {
        this.#listeners.delete(done)
        signal.removeEventListener('abort', done)
        resolve()
      }
      this.#listeners.add(done)
      signal.addEventListener('abort', done, { once: true })
    })
  }

  #notify(): void {
    for (const listener of this.#listeners) listener()
  }
}
