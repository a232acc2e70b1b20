import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { CairnProcess, type CairnProcessInit } from './cairn-process.ts'
import { Daemon } from './daemon.ts'

export const LEDGER = 'mainnet'

const FAULTY_ORIGIN = fileURLToPath(new URL('faulty-origin.ts', import.meta.url))

const LOOPBACK = ['--listen', '/ip4/127.0.0.1/tcp/0']
const LOOPBACK_HTTP = ['--http', '127.0.0.1:0']

export interface JoinInit {
  readonly workspace: string
  readonly peers: readonly (Daemon | string)[]
  readonly into: string
  readonly release?: string
  /** Further flags; a later `--timeout`, `--trust` or `--listen` wins over the usual one. */
  readonly flags?: readonly string[]
}

/**
 * A directory to work in and the processes that were started in it. Disposing of it ends those, and only those, and removes the directory.
 */
export class Scene implements AsyncDisposable {
  readonly directory: string
  readonly #processes: CairnProcess[] = []

  private constructor(directory: string) {
    this.directory = directory
  }

  static async create(): Promise<Scene> {
    return new Scene(await mkdtemp(join(tmpdir(), 'cairn-e2e-')))
  }

  path(...names: readonly string[]): string {
    return join(this.directory, ...names)
  }

  /** Every process started here, in order. */
  get processes(): readonly CairnProcess[] {
    return this.#processes
  }

  /** Starts `cairn ...args`, with `--json`. */
  cairn(...args: readonly string[]): CairnProcess {
    return this.start({ args: [...args, '--json'] })
  }

  start(init: CairnProcessInit): CairnProcess {
    const process = new CairnProcess(init)
    this.#processes.push(process)
    return process
  }

  /** Runs `cairn ...args` to its end, which must be a good one. */
  async succeed(...args: readonly string[]): Promise<CairnProcess> {
    const process = this.cairn(...args)
    await process.succeeded()
    return process
  }

  /** Makes a workspace for {@link LEDGER} and returns its path. */
  async init(name = 'workspace'): Promise<string> {
    await this.succeed('init', this.path(name), '--ledger', LEDGER)
    return this.path(name)
  }

  /** Publishes `directory` and returns the `published` event. */
  async publish(workspace: string, directory: string, height: number, ...flags: readonly string[]): Promise<PublishedEvent> {
    const process = await this.succeed(
      'publish',
      directory,
      '--workspace',
      workspace,
      '--ledger',
      LEDGER,
      '--height',
      `${height}`,
      ...flags,
    )
    return (await process.event('published')) as unknown as PublishedEvent
  }

  /** Starts an origin; resolves when it serves. */
  origin(workspace: string, ...flags: readonly string[]): Promise<Daemon> {
    return Daemon.ready(this.cairn('origin', '--workspace', workspace, ...orElse(flags, LOOPBACK, LOOPBACK_HTTP)))
  }

  /** Starts an origin that serves what is in `workspace` as it is, but for a flipped byte in some of the chunks. */
  faultyOrigin(workspace: string, flips: 'every' | 'one' | 'none'): Promise<Daemon> {
    return Daemon.ready(this.start({ script: FAULTY_ORIGIN, args: [workspace, flips] }))
  }

  /** Starts a cache of all that `workspace` publishes; resolves when it serves, which may be before it has anything. */
  cache(workspace: string, peers: readonly Daemon[], store: string, ...flags: readonly string[]): Promise<Daemon> {
    const trust = ['--trust', join(workspace, 'root.json'), '--store', store, '--region', 'here']
    return Daemon.ready(this.cairn('cache', ...trust, ...peerFlags(peers), ...orElse(flags, LOOPBACK, LOOPBACK_HTTP)))
  }

  /** Starts joining. */
  join({ workspace, peers, into, release = LEDGER, flags = [] }: JoinInit): CairnProcess {
    const trust = orElse(flags, ['--trust', join(workspace, 'root.json')], LOOPBACK)
    return this.cairn('join', release, '--into', into, ...peerFlags(peers), ...trust)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#processes.map((process) => process[Symbol.asyncDispose]()))
    await rm(this.directory, { recursive: true, force: true })
  }
}

/** What `publish` prints in the end. */
export interface PublishedEvent {
  readonly snapshot: string
  readonly bytes: number
  readonly chunks: number
  readonly storedBytes: number
  readonly filesCount: number
}

/** Plain bytes of the chunks that `processes` received and used, which is what a join costs its sources. */
export function fetchedBytes(...processes: readonly CairnProcess[]): number {
  return processes.flatMap((process) => process.eventsOf('chunk-received')).reduce((sum, event) => sum + Number(event['plainBytes']), 0)
}

function peerFlags(peers: readonly (Daemon | string)[]): string[] {
  return peers.flatMap((peer) => ['--peer', typeof peer === 'string' ? peer : peer.address])
}

/** `flags`, and those of `usual` that they do not give. */
function orElse(flags: readonly string[], ...usual: readonly (readonly string[])[]): string[] {
  return [...flags, ...usual.filter(([name = '']) => !flags.includes(name)).flat()]
}
