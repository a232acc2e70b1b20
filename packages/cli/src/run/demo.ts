import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { generateLedger } from '@cairn/sample'
import { Child, type ChildEvent } from '../demo/child.ts'
import { type JoinTally, tally } from '../demo/join-tally.ts'
import type { CommandHandler } from '../handlers.ts'
import type { CommandIo } from '../io.ts'
import { formatBytes, formatDuration, formatPercent } from '../output/format.ts'
import { untilStopped } from './daemon.ts'

const LEDGER = 'sample'
const LOOPBACK = ['--listen', '/ip4/127.0.0.1/tcp/0', '--http', '127.0.0.1:0']
/** The second node is killed when this share of its bytes is in place. */
const KILL_AT = 0.5
/** Nothing in the demo takes longer, so a hang is a failure and not a wait. */
const PATIENCE_MS = 50_000

/** Publishes, mirrors, joins, kills, resumes and verifies a sample ledger, all with real processes on this machine. */
export const runDemo: CommandHandler<'demo'> = async ({ keep, bytes }, io) => {
  const directory = await mkdtemp(join(tmpdir(), 'cairn-demo-'))
  const demo = new Demo(directory, io)
  try {
    await demo.run(bytes)
    if (keep) await demo.stay()
  } finally {
    await demo.end()
    await rm(directory, { recursive: true, force: true })
  }
}

class Demo {
  readonly #directory: string
  readonly #io: CommandIo
  readonly #signal: AbortSignal
  readonly #children: Child[] = []
  readonly #names = new Map<string, string>()
  readonly #urls: string[] = []
  readonly #startedMs: number

  constructor(directory: string, io: CommandIo) {
    this.#directory = directory
    this.#io = io
    this.#signal = AbortSignal.any([io.signal, AbortSignal.timeout(PATIENCE_MS)])
    this.#startedMs = io.clock.monotonicMs()
  }

  async run(bytes: number): Promise<void> {
    const [state, workspace] = [this.#path('state'), this.#path('workspace')]
    await generateLedger({ path: state, bytes, seed: 1, version: 1 })
    this.#step(`made a sample ledger, a LevelDB of ${formatBytes(bytes)}`)
    await this.#command('init', ['init', workspace, '--ledger', LEDGER])
    const release = ['--workspace', workspace, '--ledger', LEDGER, '--height', '1200']
    const published = await this.#command('publish', ['publish', state, ...release, '--bootstrap', 'CURRENT', '--bootstrap', 'MANIFEST-*'])
    this.#step(`published ${LEDGER}@1200: ${String(published['snapshot'])}, ${formatBytes(Number(published['storedBytes']))} stored`)

    const origin = await this.#daemon('origin', ['origin', '--workspace', workspace])
    const trust = ['--trust', join(workspace, 'root.json')]
    const cache = await this.#daemon('cache', ['cache', ...trust, '--peer', origin, '--store', this.#path('cache'), '--region', 'here'])
    await this.#children.at(-1)!.event(({ type }) => type === 'mirror-complete', this.#signal)
    this.#step('the cache holds a verified copy')

    const peers = ['--peer', origin, '--peer', cache]
    const [first, second] = await Promise.all([
      this.#join('node 1', [...trust, ...peers]),
      this.#joinKilled('node 2', [...trust, ...peers]),
    ])
    await Promise.all([first, second].map(({ into }) => this.#command('verify', ['verify', into, ...trust])))
    this.#step('verified both directories against the signature')
    this.#summarize([first, second])
  }

  /** Leaves the daemons running until the process is told to stop. */
  async stay(): Promise<void> {
    this.#io.say(
      { type: 'keeping', urls: this.#urls },
      ['', 'running until Ctrl-C; look with', ...this.#urls.map((url) => `  cairn status ${url}`)].join('\n'),
    )
    await untilStopped(this.#io.signal)
  }

  async end(): Promise<void> {
    await Promise.all(this.#children.map((child) => child.kill('SIGTERM')))
  }

  async #join(name: string, flags: readonly string[]): Promise<Joined> {
    const into = this.#path(name)
    const child = this.#spawn(name, ['join', LEDGER, ...flags, '--into', into, ...LOOPBACK, '--stay'])
    const joined = await child.event(({ type }) => type === 'joined', this.#signal)
    await this.#note(name, child)
    this.#step(`${name} joined in ${formatDuration(Number(joined['durationMs']))}`)
    return { name, into, bytes: await this.#snapshotBytes(child), runs: [child.events] }
  }

  /** Joins, is killed half-way as a crash would, and resumes. */
  async #joinKilled(name: string, flags: readonly string[]): Promise<Joined> {
    const into = this.#path(name)
    const child = this.#spawn(name, ['join', LEDGER, ...flags, '--into', into, ...LOOPBACK])
    const started = await child.event(({ type }) => type === 'download-started', this.#signal)
    const bytes = Number(started['bytes'])
    await child.event(() => tally([child.events]).plainBytes >= KILL_AT * bytes, this.#signal)
    await child.kill('SIGKILL')
    const before = tally([child.events]).plainBytes
    this.#step(`${name} killed (SIGKILL) after ${formatPercent(before, bytes)}`)
    const again = await this.#join(name, flags)
    const resumed = again.runs[0]?.find(({ type }) => type === 'resumed')
    this.#step(`${name} had resumed with ${formatPercent(Number(resumed?.['bytesHeld'] ?? 0), bytes)} in place`)
    return { name, into, bytes, runs: [child.events, ...again.runs] }
  }

  #summarize(nodes: readonly Joined[]): void {
    const lines = nodes.flatMap(({ name, bytes, runs }) => {
      const fetched = tally(runs)
      const twice = Math.max(0, fetched.plainBytes - bytes)
      return [
        `${name}: ${formatBytes(bytes)} of state, ${formatBytes(twice)} (${formatPercent(twice, bytes)}) fetched twice`,
        ...this.#sources(fetched),
      ]
    })
    const durationMs = this.#io.clock.monotonicMs() - this.#startedMs
    this.#io.say(
      {
        type: 'demo-done',
        durationMs,
        nodes: nodes.map(({ name, bytes, runs }) => {
          const fetched = tally(runs)
          const bySource = Object.fromEntries([...fetched.bySource].map(([peer, amount]) => [this.#names.get(peer) ?? peer, amount]))
          return { name, bytes, fetchedPlainBytes: fetched.plainBytes, bySource, verified: true }
        }),
      },
      [...lines, `done in ${formatDuration(durationMs)}`].join('\n'),
    )
  }

  #sources({ bySource }: JoinTally): readonly string[] {
    return [...bySource].map(([peer, amount]) => `  ${formatBytes(amount).padStart(10)} from ${this.#names.get(peer) ?? peer}`)
  }

  /** Starts a daemon and resolves with its address. */
  async #daemon(name: string, argv: readonly string[]): Promise<string> {
    return this.#note(name, this.#spawn(name, [...argv, ...LOOPBACK]))
  }

  /** Waits for a process's address, and remembers whose it is. */
  async #note(name: string, child: Child): Promise<string> {
    const { address } = await child.event(({ type }) => type === 'listening', this.#signal)
    const http = child.events.find(({ type }) => type === 'http')
    if (http !== undefined) this.#urls.push(String(http['url']))
    this.#names.set(String(address).split('/p2p/')[1] ?? '', name)
    return String(address)
  }

  /** Runs a command to its end; its last line is the result. */
  async #command(name: string, argv: readonly string[]): Promise<ChildEvent> {
    const child = this.#spawn(name, argv)
    await child.done()
    return child.events.at(-1)!
  }

  async #snapshotBytes(child: Child): Promise<number> {
    return Number((await child.event(({ type }) => type === 'download-started', this.#signal))['bytes'])
  }

  #spawn(name: string, argv: readonly string[]): Child {
    const child = new Child(name, argv)
    this.#children.push(child)
    return child
  }

  #step(text: string): void {
    const elapsedMs = this.#io.clock.monotonicMs() - this.#startedMs
    this.#io.say({ type: 'demo-step', elapsedMs, text }, `${(elapsedMs / 1000).toFixed(1).padStart(5)} s  ${text}`)
  }

  #path(name: string): string {
    return join(this.#directory, name.replaceAll(' ', '-'))
  }
}

interface Joined {
  readonly name: string
  readonly into: string
  /** Distinct plain bytes of the snapshot. */
  readonly bytes: number
  readonly runs: readonly (readonly ChildEvent[])[]
}
