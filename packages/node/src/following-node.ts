import { join } from 'node:path'
import type { Address, PeerId } from '@cairn/network'
import type { Readiness } from '@cairn/observability'
import { Tasks } from '@cairn/runtime'
import { DirectoryLock, STATE_DIRECTORY, VersionDirectory } from '@cairn/storage'
import { HeadsFollower, ReceivedDeltas } from '@cairn/swarm'
import { chooseRelease } from './choose-release.ts'
import type { FollowInit } from './follow-init.ts'
import { DELTAS_BYTES_MAX, HEADS_INTERVAL_MS } from './limits.ts'
import type { NodeComponents } from './node.ts'
import { type NodeParts, startParts } from './node-parts.ts'
import { type NodeStatus, nodeStatus, readiness, snapshotStatus } from './node-status.ts'
import type { JoinProgress } from './progress.ts'
import { VersionFollower } from './version-follower.ts'

/** A node that brings every new version of a ledger into one directory, side by side, and serves them. */
export class FollowingNode implements AsyncDisposable {
  readonly #init: FollowInit
  readonly #components: NodeComponents
  readonly #parts: NodeParts
  readonly #follower: VersionFollower
  readonly #heads: HeadsFollower
  readonly #held: Held

  private constructor(init: FollowInit, components: NodeComponents, held: Held, heard: Heard) {
    const { parts, directory, deltas } = held
    const { clock, log } = components
    this.#init = init
    this.#components = components
    this.#parts = parts
    this.#held = held
    this.#follower = new VersionFollower(init, { parts, directory, deltas, clock, log })
    this.#heads = new HeadsFollower(
      {
        ledgers: [init.selector.ledger],
        intervalMs: HEADS_INTERVAL_MS,
        onAccepted: () => {
          this.#follower.changed()
          return [init.selector.ledger]
        },
        onFailed: (error) => log.warn('trust-not-written', { reason: String(error) }),
      },
      { ...parts, clock },
    )
    heard.follower = this.#heads
  }

  /**
   * Opens the directory and dials the configured peers; {@link follow} does the rest.
   *
   * @throws {StorageError} `OTHER_LAYOUT`, `FOREIGN_FILES`, `LOCKED`; {TrustError}, {NetworkError} as `Node.start`
   */
  static async start(init: FollowInit, components: NodeComponents): Promise<FollowingNode> {
    const directory = await VersionDirectory.open(init.into)
    const heard: Heard = { follower: undefined }
    const state = join(directory.path, STATE_DIRECTORY)
    await using cleanup = new AsyncDisposableStack()
    // First, because it keeps a second node away from everything else.
    const lock = cleanup.adopt(DirectoryLock.acquire(state), (acquired) => acquired.release())
    const deltas = cleanup.use(
      await ReceivedDeltas.open({
        path: join(state, 'deltas'),
        bytesMax: DELTAS_BYTES_MAX,
        onDamaged: (path, reason) => components.log.warn('deltas-damaged', { path, reason }),
      }),
    )
    const onHeads = (timestamp: Uint8Array, from: PeerId): void => heard.follower?.heard(timestamp, from)
    const parts = await startParts(init, components, { deltas, onHeads })
    cleanup.move()
    return new FollowingNode(init, components, { parts, directory, deltas, lock }, heard)
  }

  get addresses(): readonly Address[] {
    return this.#parts.transport.addresses()
  }

  get progress(): JoinProgress {
    return this.#parts.tracker.progress
  }

  /** Whether a version is in use. */
  ready(): Readiness {
    return readiness(this.progress)
  }

  status(): NodeStatus {
    const { release } = this.#follower
    return nodeStatus(this.#parts, release === undefined ? [] : [snapshotStatus(release, this.progress)])
  }

  /**
   * Brings version after version here until `signal` aborts. Only while there is none yet does the lack of a source end it.
   *
   * @throws {TrustError}, {SwarmError} `NO_SOURCE`, when nothing is here and nobody vouches for anything
   * @throws {StorageError} when the directory cannot be read
   */
  async follow(signal: AbortSignal): Promise<void> {
    if ((await this.#held.directory.current()) === undefined) await this.#chooseFirst(signal)
    const { transport } = this.#parts
    const stopListening = transport.onPeerChange(({ type, peer }) => type === 'connected' && this.#heads.connected(peer))
    const failure = Promise.withResolvers<never>()
    failure.promise.catch(() => {})
    const tasks = new Tasks((error) => failure.reject(error))
    try {
      tasks.spawn('heads', (ending) => this.#heads.run(ending))
      await Promise.race([this.#follower.run(signal), failure.promise])
    } finally {
      stopListening()
      await tasks.stop()
    }
  }

  stop(): Promise<void> {
    return this.#parts.stop(async () => {
      await this.#follower.close()
      await this.#held.deltas[Symbol.asyncDispose]()
      this.#held.lock.release()
    })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop()
  }

  async #chooseFirst(signal: AbortSignal): Promise<void> {
    const { keeper, participant, transport, reporter } = this.#parts
    await chooseRelease({
      selector: this.#init.selector,
      keeper,
      participant,
      peersCount: () => transport.peers().length,
      begun: undefined,
      patienceMs: this.#init.patienceMs,
      signal,
      clock: this.#components.clock,
      reporter,
    })
  }
}

/** What a node has of its directory as long as it runs. */
interface Held {
  readonly parts: NodeParts
  readonly directory: VersionDirectory
  readonly deltas: ReceivedDeltas
  readonly lock: DirectoryLock
}

/** Who hears of announced timestamps, as soon as there is one. */
interface Heard {
  follower: HeadsFollower | undefined
}
