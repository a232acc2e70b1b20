import { EventEmitter } from 'node:events'
import { seededRandom } from '@cairn/runtime'
import { ManualClock } from '@cairn/runtime/testing'
import { type CommandHandlers, type ExitCode, type Host, main } from '../src/index.ts'

/** A stream that keeps what is written; `fail` does to its writer what a process stream does. */
export class FakeStream extends EventEmitter {
  text = ''
  readonly isTTY: boolean
  readonly columns = 80

  constructor(isTTY = false) {
    super()
    this.isTTY = isTTY
  }

  write(text: string): void {
    this.text += text
  }

  fail(code: string): void {
    this.emit('error', Object.assign(new Error(`write ${code}`), { code }))
  }

  get lines(): string[] {
    return this.text.split('\n').slice(0, -1)
  }
}

/** A process that exists in memory only: signals are emitted on `signals`, `exits` holds what it was ended with. */
export class FakeHost implements Host {
  readonly stdout = new FakeStream()
  readonly stderr: FakeStream
  readonly env: Record<string, string> = {}
  readonly signals = new EventEmitter()
  readonly clock = new ManualClock()
  readonly random = seededRandom('cli')
  readonly exits: ExitCode[] = []
  readonly crashes = new EventEmitter()

  constructor(options: { readonly isTTY?: boolean } = {}) {
    this.stderr = new FakeStream(options.isTTY)
  }

  onCrash(listener: (error: unknown) => void): () => void {
    this.crashes.on('crash', listener)
    return () => void this.crashes.off('crash', listener)
  }

  exit(exitCode: ExitCode): void {
    this.exits.push(exitCode)
  }

  run(line: readonly string[], handlers: Partial<CommandHandlers> = {}): Promise<ExitCode> {
    return main(line, this, { ...refusingHandlers, ...handlers })
  }
}

async function refuse(): Promise<void> {
  throw new Error('the test expected no command to run')
}

const refusingHandlers: CommandHandlers = {
  demo: refuse,
  init: refuse,
  publish: refuse,
  origin: refuse,
  cache: refuse,
  join: refuse,
  verify: refuse,
  rollback: refuse,
  list: refuse,
  show: refuse,
  diff: refuse,
  status: refuse,
  replay: refuse,
  ledger: refuse,
  simulate: refuse,
}
