import { cp, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { LedgerClient, seatDirectory, type StatusResponse } from '@cairn/replica'
import { freePorts } from '../../test/bench/ledger/ports.ts'
import type { CairnProcess } from '../../test/e2e/cairn-process.ts'
import type { Scene } from '../../test/e2e/harness.ts'

/** Where a seat's processes run and are reached. */
export interface SeatPlace {
  readonly address: string
  readonly port: number
}

/** What a process is waited for, with two processors for all of them. */
const STATUS_MS = 3000

/** The processes of a ledger's seats, each in its turn dead, paused or somebody else. */
export class Seats {
  readonly directory: string
  readonly #scene: Scene
  readonly #places: readonly SeatPlace[]
  readonly #clientPorts: readonly number[]
  readonly #running: (CairnProcess | undefined)[]

  private constructor(scene: Scene, directory: string, places: readonly SeatPlace[], clientPorts: readonly number[]) {
    this.#scene = scene
    this.directory = directory
    this.#places = places
    this.#clientPorts = clientPorts
    this.#running = places.map(() => undefined)
  }

  /** Makes a ledger of `preset`, which has `count` seats, and starts none of them. */
  static async create(scene: Scene, preset: string, count: number): Promise<Seats> {
    const directory = scene.path(preset)
    await scene.succeed('ledger', 'init', directory, '--preset', preset)
    const ports = await freePorts(2 * count)
    const places = ports.slice(0, count).map((port) => ({ address: '127.0.0.1', port }))
    return new Seats(scene, directory, places, ports.slice(count))
  }

  get count(): number {
    return this.#places.length
  }

  client(seat: number): LedgerClient {
    return new LedgerClient(`http://127.0.0.1:${this.#clientPorts[seat]}`)
  }

  /** Resolves when it answers clients. `directory` is another ledger's, for a seat that is not what it says. */
  async start(seat: number, directory = this.directory): Promise<CairnProcess> {
    const process = this.#scene.cairn('ledger', 'run', directory, ...this.#flags(seat))
    this.#running[seat] = process
    await process.event('clients')
    return process
  }

  async kill(seat: number): Promise<void> {
    await this.#running[seat]?.kill()
  }

  pause(seat: number): void {
    this.#signal(seat, 'SIGSTOP')
  }

  resume(seat: number): void {
    this.#signal(seat, 'SIGCONT')
  }

  /** What the disk of a dead seat held, but for its keys. */
  async wipe(seat: number): Promise<void> {
    const home = seatDirectory(this.directory, seat)
    for (const name of ['log', 'state.db', 'state.db-wal', 'state.db-shm']) await rm(join(home, name), { recursive: true, force: true })
  }

  /** A directory in which `seat` has a new key, and a ledger file that says so. Nobody else's does. */
  async impostor(seat: number, publicKeyOf: (seed: Uint8Array) => Uint8Array, seed: Uint8Array): Promise<string> {
    const directory = this.#scene.path('impostor')
    await cp(this.directory, directory, { recursive: true })
    const home = seatDirectory(directory, seat)
    for (const name of ['log', 'state.db', 'state.db-wal', 'state.db-shm', 'seat.used'])
      await rm(join(home, name), { recursive: true, force: true })
    await writeFile(join(home, 'seat.key'), seed)
    const path = join(directory, 'ledger.json')
    const file = JSON.parse(await readFile(path, 'utf8')) as { readonly members: { publicKey: string }[] }
    const member = file.members[seat]
    if (member === undefined) throw new RangeError(`no seat ${seat}`)
    member.publicKey = Buffer.from(publicKeyOf(seed)).toString('hex')
    await writeFile(path, JSON.stringify(file))
    return directory
  }

  /** `undefined` of a seat that does not answer. */
  async statuses(): Promise<readonly (StatusResponse | undefined)[]> {
    return await Promise.all(
      this.#places.map((_, seat) =>
        this.client(seat)
          .status(AbortSignal.timeout(STATUS_MS))
          .catch(() => undefined),
      ),
    )
  }

  #flags(seat: number): readonly string[] {
    const own = this.#places[seat]
    if (own === undefined) throw new RangeError(`no seat ${seat}`)
    const peers = this.#places.filter((place) => place !== own).flatMap((place) => ['--peer', multiaddr(place)])
    return ['--seat', String(seat), '--listen', multiaddr(own), '--client-port', String(this.#clientPorts[seat]), ...peers]
  }

  #signal(seat: number, signal: NodeJS.Signals): void {
    const pid = this.#running[seat]?.pid
    if (pid !== undefined) process.kill(pid, signal)
  }
}

function multiaddr({ address, port }: SeatPlace): string {
  return `/ip4/${address}/tcp/${port}`
}
