import { type CID, SnapshotIndex } from '@cairn/protocol'
import type { Clock } from '@cairn/runtime'
import { type BlockSource, DeltaSets } from '@cairn/storage'
import { loadManifest } from '@cairn/swarm/stored-manifest'
import { DELTAS_BYTES_MAX } from '../limits.ts'
import type { Workspace } from '../workspace.ts'
import { type DeltaSummary, makeDeltas } from './make-deltas.ts'
import { Sketches } from './sketches.ts'

export interface WorkspaceDeltasInit {
  readonly workspace: Workspace
  /** Has chunks and pages of the workspace's snapshots. */
  readonly source: BlockSource
  readonly clock: Clock
  readonly onDamaged?: (path: string, reason: string) => void
}

/** The deltas of a workspace: what is there, and how more of them are made. */
export class WorkspaceDeltas implements AsyncDisposable {
  readonly sets: DeltaSets
  readonly sketches: Sketches
  readonly #init: WorkspaceDeltasInit

  private constructor(init: WorkspaceDeltasInit, sets: DeltaSets) {
    this.#init = init
    this.sets = sets
    this.sketches = new Sketches(init.workspace.sketchesPath)
  }

  /** @throws {StorageError} `IO_FAILED` */
  static async open(init: WorkspaceDeltasInit): Promise<WorkspaceDeltas> {
    const onDamaged = init.onDamaged === undefined ? {} : { onDamaged: init.onDamaged }
    return new WorkspaceDeltas(init, await DeltaSets.open({ path: init.workspace.deltasPath, bytesMax: DELTAS_BYTES_MAX, ...onDamaged }))
  }

  /**
   * Makes what leads a holder of `from` to `to`, either of them the newer one; see {@link makeDeltas}. Who has the manifest of `to` gives that.
   *
   * @throws {OriginError} `THREAD_FAILED` @throws {StorageError} `NO_SPACE`, `IO_FAILED`; `CORRUPT` if a manifest page is damaged
   */
  async make(
    from: CID,
    to: CID | SnapshotIndex,
    options: { readonly signal?: AbortSignal; readonly threadsCount?: number } = {},
  ): Promise<DeltaSummary> {
    const { source, clock } = this.#init
    return makeDeltas({
      from: await loadManifest(from, source),
      to: to instanceof SnapshotIndex ? to : await loadManifest(to, source),
      source,
      sets: this.sets,
      clock,
      ...options,
    })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.sets[Symbol.asyncDispose]()
  }
}
