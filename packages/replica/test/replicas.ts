import { randomBytes } from 'node:crypto'
import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  type Action,
  type Committee,
  createCommittee,
  DEFAULT_SETTINGS,
  ed25519Signer,
  encodeOperation,
  type LedgerId,
  type Member,
  type Operation,
  PRESETS,
  type PresetName,
  type Signer,
} from '@cairn/ledger'
import { createLibp2pTransport, type Transport } from '@cairn/network'
import { MemoryNetwork } from '@cairn/network/testing'
import { seededRandom, silentLog, systemClock } from '@cairn/runtime'
import { heldKeys, type KeyRing } from '../src/epochs/key-ring.ts'
import type { ReplicaError } from '../src/errors.ts'
import type { ReplicaEvent } from '../src/events.ts'
import { seatDirectory } from '../src/ledger-directory.ts'
import { Replica } from '../src/replica.ts'
import type { ReplicaInit } from '../src/replica-init.ts'

export const LEDGER: LedgerId = { networkId: 'cd'.repeat(32), chainId: 3 }
export const CLIENT = ed25519Signer(new Uint8Array(32).fill(200))

/** Small, so that a test fills some. */
const SEGMENT_BYTES = 64 * 1024

let nonces = 0

/** A signed operation that is good for the next heights after `height`. */
export function operationOf(action: Action, height = 0): Operation {
  const nonce = Buffer.alloc(16)
  nonce.writeUInt32BE(nonces++)
  return encodeOperation(LEDGER, { client: CLIENT.publicKey, nonce, lastHeight: height + 10_000, action }, CLIENT)
}

export function put(key: string, value: string): Operation {
  return operationOf({ type: 'put', key: Buffer.from(key), value: Buffer.from(value) })
}

export function valueOf(replica: Replica, key: string): string | undefined {
  const { value } = replica.readLocal(Buffer.from(key))
  return value && Buffer.from(value).toString()
}

interface TestReplicasOptions extends Partial<
  Pick<ReplicaInit, 'settings' | 'checkpointHeights' | 'segmentBytes' | 'heightsKept' | 'askMs'>
> {
  readonly overSockets?: boolean
  /** Replicas that have no seat at first, behind those that have. */
  readonly spares?: number
  readonly observe?: (seat: number, event: ReplicaEvent) => void
}

/** Impatient, for a test waits for what they wait for. */
const SETTINGS = { ...DEFAULT_SETTINGS, leaderTimeoutMs: 300, idleMs: 200, resendMs: 100, fetchRetryMs: 50 }

/** Replicas of one ledger in this process, each with a directory of its own. */
export class TestReplicas implements AsyncDisposable {
  /** Holds a directory for each seat. */
  readonly home = mkdtempSync(join(tmpdir(), 'cairn-replica-'))
  readonly #signers: readonly Signer[]
  /** As their disks hold them: what is erased stays so over a restart. */
  readonly keys: KeyRing[]
  readonly #memory = new MemoryNetwork({ clock: systemClock, random: seededRandom(1) })
  readonly #overSockets: boolean
  readonly #options: TestReplicasOptions
  readonly #transports: (Transport | undefined)[]
  readonly replicas: (Replica | undefined)[]
  readonly failures: ReplicaError[] = []
  readonly events: ReplicaEvent[] = []
  #committee: Committee | undefined
  readonly #peers: string[] = []
  readonly #preset: PresetName
  readonly #seeds: readonly Uint8Array[]

  constructor(preset: PresetName, options: TestReplicasOptions = {}) {
    const n = PRESETS[preset].n + (options.spares ?? 0)
    this.#preset = preset
    this.#overSockets = options.overSockets ?? false
    this.#options = options
    this.#signers = Array.from({ length: n }, (_, seat) => ed25519Signer(new Uint8Array(32).fill(seat + 1)))
    this.keys = this.#signers.map((signer) => heldKeys(signer))
    this.#seeds = this.#signers.map(() => new Uint8Array(randomBytes(32)))
    this.#transports = this.#signers.map(() => undefined)
    this.replicas = this.#signers.map(() => undefined)
  }

  get count(): number {
    return this.#signers.length
  }

  get committee(): Committee {
    if (this.#committee === undefined) throw new Error('not started')
    return this.#committee
  }

  /** What a committee knows a replica by; its own key unless another is given. */
  member(seat: number, signer: Signer | undefined = this.#signers[seat]): Member {
    if (signer === undefined) throw new Error(`no seat ${seat}`)
    const { publicKey } = signer
    const peer = this.#peers[seat] ?? this.#transports[seat]?.self ?? ''
    this.#peers[seat] = peer
    return { peer, publicKey, role: 'full' }
  }

  /** Segments in the log of a seat. */
  segments(seat: number): readonly string[] {
    return readdirSync(join(this.directoryOf(seat), 'log')).filter((name) => name.endsWith('.wal'))
  }

  /** What seat `seat` keeps its log and its state in. */
  directoryOf(seat: number): string {
    return seatDirectory(this.home, seat)
  }

  /** Loses the disk of a seat that does not run. */
  wipe(seat: number): void {
    rmSync(this.directoryOf(seat), { recursive: true })
  }

  get running(): readonly Replica[] {
    return this.replicas.filter((replica) => replica !== undefined)
  }

  async startAll(): Promise<void> {
    for (const seat of this.#signers.keys()) this.#transports[seat] = await this.#transport(seat)
    this.#committee = createCommittee(
      PRESETS[this.#preset],
      Array.from({ length: PRESETS[this.#preset].n }, (_, seat) => this.member(seat)),
    )
    await this.#connect()
    for (const seat of this.#signers.keys()) await this.#startReplica(seat)
  }

  async stop(seat: number): Promise<void> {
    await this.replicas[seat]?.stop()
    this.replicas[seat] = undefined
    await this.#transports[seat]?.stop()
    this.#transports[seat] = undefined
  }

  /** With `isLearner` its key signs nothing. */
  async start(seat: number, isLearner = false): Promise<Replica> {
    return await this.#startAgain(seat, { isLearner })
  }

  /** Starts a seat that makes the state again which was set aside. */
  async startRebuilding(seat: number): Promise<Replica> {
    return await this.#startAgain(seat, { rebuilds: true })
  }

  /** Resolves when `holds` does, looking again after each step of the event loop; the test's own time is the limit. */
  async until(holds: () => boolean): Promise<void> {
    while (!holds()) await new Promise((resolve) => setTimeout(resolve, 5))
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const seat of this.#signers.keys()) await this.stop(seat)
    rmSync(this.home, { recursive: true, force: true })
  }

  async #transport(seat: number): Promise<Transport> {
    if (!this.#overSockets) return this.#memory.createTransport(`seat-${seat}`)
    const privateKey = this.#seeds[seat] ?? new Uint8Array(32)
    return await createLibp2pTransport({ privateKey, listen: ['/ip4/127.0.0.1/tcp/0'], clock: systemClock, log: silentLog })
  }

  async #connect(): Promise<void> {
    const there = this.#transports.filter((transport) => transport !== undefined)
    for (const [index, transport] of there.entries()) {
      for (const other of there.slice(index + 1)) {
        const [address] = other.addresses()
        if (address !== undefined) await transport.dial(address)
      }
    }
  }

  async #startAgain(seat: number, how: { readonly isLearner?: boolean; readonly rebuilds?: boolean }): Promise<Replica> {
    this.#transports[seat] = await this.#transport(seat)
    await this.#connect()
    return await this.#startReplica(seat, how)
  }

  async #startReplica(seat: number, { isLearner = false, rebuilds = false } = {}): Promise<Replica> {
    const [transport, signer] = [this.#transports[seat], this.keys[seat]]
    if (transport === undefined || signer === undefined || this.#committee === undefined) throw new Error(`no seat ${seat}`)
    const replica = await Replica.start({
      directory: this.directoryOf(seat),
      ledger: LEDGER,
      genesis: this.#committee,
      signer: isLearner ? ed25519Signer(new Uint8Array(randomBytes(32))) : signer,
      signedOperations: true,
      rebuilds,
      settings: this.#options.settings ?? SETTINGS,
      checkpointHeights: this.#options.checkpointHeights ?? 8,
      segmentBytes: this.#options.segmentBytes ?? SEGMENT_BYTES,
      askMs: this.#options.askMs ?? 100,
      ...(this.#options.heightsKept !== undefined && { heightsKept: this.#options.heightsKept }),
      transport,
      clock: systemClock,
      observe: (event) => {
        this.events.push(event)
        this.#options.observe?.(seat, event)
      },
      onFailure: (error) => this.failures.push(error),
    })
    this.replicas[seat] = replica
    return replica
  }
}
