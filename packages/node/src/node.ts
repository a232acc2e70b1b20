import assert from 'node:assert/strict'
import type { Address, Libp2pTransportInit, Transport } from '@cairn/network'
import type { Readiness } from '@cairn/observability'
import type { SnapshotIndex, StageClass } from '@cairn/protocol'
import type { Clock, Log, Random, Reporter } from '@cairn/runtime'
import {
  forgetAside,
  holdFiles,
  inspectTarget,
  type JoinedTarget,
  type Placer,
  type ReuseDirectory,
  setAside,
  StorageError,
  switchTree,
  VersionDirectory,
} from '@cairn/storage'
import type { Release, Selector } from '@cairn/trust'
import { assertMatches } from './assert-matches.ts'
import { chooseRelease } from './choose-release.ts'
import type { NodeEvent } from './events.ts'
import { forgetPages } from './forget-pages.ts'
import { type NodeParts, startParts } from './node-parts.ts'
import { type NodeStatus, nodeStatus, readiness, snapshotStatus } from './node-status.ts'
import type { JoinProgress } from './progress.ts'
import { seedDirectories } from './seed-directories.ts'
import { type JoinSummary, SnapshotJoin, type SnapshotJoinInit } from './snapshot-join.ts'
import { untilAborted } from './until-aborted.ts'
import { forgetLeftovers, inspectBegun, manifestsOf, resumeSwitch, updateTarget } from './update-target.ts'

export interface NodeInit {
  readonly selector: Selector
  /** The `root.json` that the operator was given. */
  readonly trustRoot: Uint8Array
  readonly network: string
  readonly peers: readonly Address[]
  /** Where the snapshot's files go. */
  readonly into: string
  readonly listen: readonly Address[]
  readonly region?: string
  readonly mdns?: boolean
  /** Hears the lines of a trace from which every decision of the download can be replayed. */
  readonly onTrace?: (line: string) => void
  /** Bounds every wait for a source. Absent: waits for ever, and says for what. */
  readonly patienceMs?: number
  /** Directories that may hold chunks of the release. */
  readonly seeds?: readonly string[]
  /** Frame bytes per second to fetch at most. Absent: what the sources give. */
  readonly bytesPerSecondMax?: number
}

export interface NodeComponents {
  readonly clock: Clock
  readonly random: Random
  readonly log: Log
  readonly reporter: Reporter<NodeEvent>
  /** Defaults to libp2p. */
  readonly createTransport?: (init: Libp2pTransportInit) => Promise<Transport>
  /** Checks and writes the chunks. Defaults to a thread of its own; ends with the node. */
  readonly placer?: Placer
}

/** A node that joins one ledger into one directory, serving what it has from its first chunk on. */
export class Node implements AsyncDisposable {
  readonly #init: NodeInit
  readonly #components: NodeComponents
  readonly #parts: NodeParts
  readonly #begun: JoinedTarget | undefined
  #release: Release | undefined
  #joining: SnapshotJoin | undefined
  #isJoining = false
  /** Files of the version before are being freed: nobody need wait for that before this node ends. */
  #freeing: Promise<void> | undefined
  #opened = opening()

  private constructor(init: NodeInit, components: NodeComponents, parts: NodeParts, begun: JoinedTarget | undefined) {
    this.#init = init
    this.#components = components
    this.#parts = parts
    this.#begun = begun
  }

  /**
   * Opens the target and dials the configured peers; {@link join} does the rest.
   *
   * @throws {StorageError} `OTHER_LAYOUT`, `FOREIGN_FILES`, `LOCKED`
   * @throws {TrustError} when `trustRoot` is not a root, or another one than this directory was begun with
   * @throws {NetworkError} `LISTEN_FAILED`, `BAD_ADDRESS`
   */
  static async start(init: NodeInit, components: NodeComponents): Promise<Node> {
    if ((await VersionDirectory.find(init.into)) !== undefined)
      throw new StorageError({ code: 'OTHER_LAYOUT', path: init.into, found: 'versions' })
    await inspectTarget(init.into) // so that a stranger's directory is refused before a `.cairn` is made in it
    const parts = await startParts(init, components)
    try {
      await resumeSwitch(init.into, parts.pages)
      return new Node(init, components, parts, await inspectBegun(init.into))
    } catch (error) {
      await parts.stop()
      throw error
    }
  }

  get addresses(): readonly Address[] {
    return this.#parts.transport.addresses()
  }

  get progress(): JoinProgress {
    return this.#parts.tracker.progress
  }

  /** Milliseconds from the start until the ledger's own software could start; pending until then. */
  get usable(): Promise<number> {
    return this.#parts.usable
  }

  /** Whether the bootstrap stage (or, where a release has none, everything) is in place, so that the ledger's own software can start. */
  ready(): Readiness {
    return readiness(this.progress)
  }

  status(): NodeStatus {
    return nodeStatus(this.#parts, this.#release === undefined ? [] : [snapshotStatus(this.#release, this.progress)])
  }

  /**
   * Joins: chooses the release, loads the manifest, fetches, places, and leaves the directory as it was published.
   *
   * With `stage` it ends as soon as that stage and those before it are committed, and fetches nothing else; their files and links are
   * then as they were published. A later call, here or in another run, goes on from there. One call at a time.
   *
   * A directory that holds another version keeps it until the new one, which takes over what they share, is whole.
   *
   * @throws {TrustError} when no acceptable metadata vouches for the release
   * @throws {SwarmError} `NO_SOURCE`, `UNVERIFIABLE`
   * @throws {StorageError} `FOREIGN_FILES`, `NO_SPACE`, `IO_FAILED`; `CORRUPT` if somebody keeps replacing files
   * @throws {NodeError} `MANIFEST_MISMATCH`, `NO_SUCH_STAGE`, `STAGE_OF_UPDATE`
   */
  async join(signal: AbortSignal, options: { readonly stage?: StageClass } = {}): Promise<JoinSummary> {
    assert(!this.#isJoining, 'one join at a time')
    this.#isJoining = true
    try {
      this.#joining ??= await this.#open(signal)
      this.#opened.resolve(this.#joining)
      return await this.#joining.run(options.stage, signal)
    } catch (error) {
      // Reads that wait for a snapshot wait no longer; those of the next call do.
      this.#opened.reject(error)
      if (this.#joining === undefined) this.#opened = opening()
      throw error
    } finally {
      this.#isJoining = false
    }
  }

  /**
   * Bytes `from` to `to` (exclusive) of the file `path` of the snapshot, verified, as soon as they are here: what is missing is
   * fetched before everything else. May be called before {@link join}, and then waits for the release and its manifest.
   *
   * @throws {NodeError} `UNKNOWN_PATH`, `NOT_A_FILE`, `OUT_OF_RANGE`; `NOT_FETCHING` if it is not here and no join is running
   * @throws {StorageError} `IO_FAILED`; the signal's reason; whatever ends the join that it waits for
   */
  async read(path: string, from: number, to: number, options: { readonly signal?: AbortSignal } = {}): Promise<Uint8Array> {
    const { reader } = await untilAborted(this.#opened.promise, options.signal)
    return reader.read(path, from, to, options.signal)
  }

  stop(): Promise<void> {
    return this.#parts.stop(async () => {
      await this.#joining?.store.close()
      await this.#freeing
    })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop()
  }

  async #choose(signal: AbortSignal): Promise<Release> {
    const release = await chooseRelease({
      selector: this.#init.selector,
      keeper: this.#parts.keeper,
      participant: this.#parts.participant,
      peersCount: () => this.#parts.transport.peers().length,
      begun: this.#begun,
      patienceMs: this.#init.patienceMs,
      signal,
      clock: this.#components.clock,
      reporter: this.#parts.reporter,
    })
    const { ledger, height, manifest, totalBytes } = release
    this.#parts.reporter.report({ type: 'release-chosen', ledger, height, snapshot: manifest.toString(), bytes: totalBytes })
    return release
  }

  /** Waits for the release and its manifest, and opens the directory. */
  async #open(signal: AbortSignal): Promise<SnapshotJoin> {
    const { into, patienceMs, network } = this.#init
    const { clock } = this.#components
    const load = manifestsOf(this.#parts.pages, this.#begun?.complete === true ? this.#begun.snapshot : undefined)
    const release = await this.#choose(signal)
    this.#release = release
    this.#parts.reporter.report({ type: 'waiting', reason: 'manifest' })
    const patience = patienceMs === undefined ? {} : { patienceMs }
    const index = await this.#parts.participant.manifest(release.manifest, this.#parts.pages, { ...patience, signal })
    assertMatches(index, release, network)
    const target = await updateTarget(into, index, load)
    const directories = [
      ...(target.from === undefined ? await setAside(into, index) : []),
      ...target.directories,
      ...(await seedDirectories(this.#init.seeds ?? [], clock)),
    ]
    const { from } = target
    if (directories.length === 0) return this.#openJoin(release, index, into, [])
    return this.#openJoin(release, index, target.path, directories, async (store) => {
      if (from !== undefined) {
        await store.close()
        const held = await holdFiles(into, from)
        try {
          await switchTree(into, from, index)
        } finally {
          this.#freeing = held.release()
        }
        this.#joining = await this.#openJoin(release, index, into, [])
        this.#opened = opening()
        this.#opened.resolve(this.#joining)
      }
      await forgetAside(into)
      await forgetLeftovers(into)
      await forgetPages(this.#parts.pages, [index])
    })
  }

  async #openJoin(
    release: Release,
    index: SnapshotIndex,
    path: string,
    directories: readonly ReuseDirectory[],
    commit?: SnapshotJoinInit['commit'],
  ): Promise<SnapshotJoin> {
    const { clock, log } = this.#components
    const joining = await SnapshotJoin.open(
      {
        release,
        index,
        into: path,
        directories,
        isUpdate: path !== this.#init.into,
        ...(commit === undefined ? {} : { commit }),
        wasComplete: this.#begun?.complete === true && this.#begun.snapshot.equals(index.cid),
        patienceMs: this.#init.patienceMs,
        onTrace: this.#init.onTrace,
        startedMs: this.#parts.startedMs,
      },
      { participant: this.#parts.participant, clock, log, reporter: this.#parts.reporter, placer: this.#parts.placer },
    )
    this.#parts.source.serve(index.cid, joining.store)
    return joining
  }
}

/** A snapshot that is to be opened; nobody need wait for it. */
function opening(): PromiseWithResolvers<SnapshotJoin> {
  const opened = Promise.withResolvers<SnapshotJoin>()
  opened.promise.catch(() => {})
  return opened
}
