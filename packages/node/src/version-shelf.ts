import { type KeptVersion, prunable } from '@cairn/policy'
import { Bitmap, type SnapshotIndex } from '@cairn/protocol'
import type { Reporter } from '@cairn/runtime'
import {
  type AdoptMethod,
  type BlockStore,
  ReferenceSource,
  type ReuseDirectory,
  StorageError,
  type VersionDirectory,
  type VersionInfo,
} from '@cairn/storage'
import { loadManifest, type Participant } from '@cairn/swarm'
import type { NodeEvent } from './events.ts'
import { forgetPages } from './forget-pages.ts'
import type { NodeSource } from './node-source.ts'

export interface VersionShelfComponents {
  readonly directory: VersionDirectory
  readonly pages: BlockStore
  readonly participant: Participant
  readonly source: NodeSource
  readonly reporter: Reporter<NodeEvent>
}

/** How many versions a new one is made from: those next to it have nearly all that older ones have. */
const REUSED_VERSIONS_MAX = 4

/** The versions of a directory that follows: served to others, taken from for the next, and removed when they are too many. */
export class VersionShelf {
  readonly #components: VersionShelfComponents
  readonly #ledger: string

  constructor(ledger: string, components: VersionShelfComponents) {
    this.#ledger = ledger
    this.#components = components
  }

  /** Serves every version that is complete. @throws {StorageError} `IO_FAILED` */
  async serveAll(): Promise<void> {
    for (const version of await this.#components.directory.versions()) {
      const index = version.complete ? await this.#indexOf(version) : undefined
      if (index !== undefined) this.serve(version.path, index)
    }
  }

  /** Serves a complete version, whose files nobody writes to; a chunk is hashed before it leaves all the same. */
  serve(path: string, index: SnapshotIndex): void {
    const { source, participant, pages } = this.#components
    source.serve(index.cid, new ReferenceSource({ root: path, index, pages }))
    participant.hold(index.cid, this.#ledger, Bitmap.full(index.chunksCount))
  }

  /** What the version `name` can be made from: complete versions first, then what was begun, each the newest first. */
  async directories(name: string, methods: readonly AdoptMethod[]): Promise<readonly ReuseDirectory[]> {
    const versions = (await this.#components.directory.versions()).filter((version) => version.name !== name)
    const ordered = [...versions.filter(({ complete }) => complete), ...versions.filter(({ complete }) => !complete)]
    const directories: ReuseDirectory[] = []
    for (const version of ordered.slice(0, REUSED_VERSIONS_MAX)) {
      const index = await this.#indexOf(version)
      // What was begun is nobody's: a whole file of it may go where it is needed.
      if (index !== undefined) directories.push({ root: version.path, index, methods: version.complete ? methods : ['move'] })
    }
    return directories
  }

  /** Removes complete versions until `keep` are left; `name` and the one in use stay. */
  async prune(keep: number, name: string): Promise<void> {
    const { directory } = this.#components
    const current = await directory.current()
    const versions = (await directory.versions()).map((version) => ({
      ...version,
      isInUse: version.name === current || version.name === name,
    }))
    for (const version of prunable<VersionInfo & KeptVersion>(versions, keep)) await this.#remove(version)
  }

  /** Removes what was begun and given up, but for `name`. */
  async removeBegun(name: string): Promise<void> {
    const { directory } = this.#components
    for (const version of await directory.versions()) if (!version.complete && version.name !== name) await this.#remove(version)
  }

  /** Forgets the pages of manifests that no version has any more. */
  async forgetPages(): Promise<void> {
    const { directory, pages } = this.#components
    const kept: SnapshotIndex[] = []
    for (const version of await directory.versions()) {
      const index = await this.#indexOf(version)
      // A list that cannot be read must not cost the others theirs.
      if (index === undefined) return
      kept.push(index)
    }
    await forgetPages(pages, kept)
  }

  async #remove(version: VersionInfo): Promise<void> {
    const { directory, participant, source, reporter } = this.#components
    participant.release(version.snapshot)
    source.withdraw(version.snapshot)
    await directory.remove(version.name)
    reporter.report({ type: 'version-removed', height: version.height, snapshot: version.snapshot.toString(), complete: version.complete })
  }

  async #indexOf({ snapshot }: VersionInfo): Promise<SnapshotIndex | undefined> {
    try {
      return await loadManifest(snapshot, this.#components.pages)
    } catch (error) {
      if (error instanceof StorageError && error.fault.code === 'CORRUPT') return undefined
      throw error
    }
  }
}
