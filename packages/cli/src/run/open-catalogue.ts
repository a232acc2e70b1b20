import { deltaSizes, Workspace } from '@cairn/origin/publish'
import type { CID, SnapshotIndex } from '@cairn/protocol'
import { FsBlockReader } from '@cairn/storage'
import { Catalogue } from '@cairn/node'
import { type DeltaOffer, loadManifest } from '@cairn/swarm'
import type { TrustState } from '@cairn/trust'
import { readInputFile } from '../input-file.ts'
import type { CommandIo } from '../io.ts'
import type { CatalogueOptions } from '../options.ts'

/** Releases and manifests, from a workspace on this machine or from peers that prove them. */
export interface OpenCatalogue extends AsyncDisposable {
  trustState(ledgers: readonly string[] | 'all'): Promise<TrustState>
  manifest(snapshot: CID): Promise<SnapshotIndex>
  /** What leads a holder of `from` to `to`; what peers have yet to make is waited for, for as long as for anything else. */
  deltas(from: SnapshotIndex, to: SnapshotIndex): Promise<DeltaOffer>
}

export async function openCatalogue(options: CatalogueOptions, io: CommandIo): Promise<OpenCatalogue> {
  const { workspace, trust, network, peers, timeoutMs } = options
  if (workspace !== undefined) return openWorkspace(workspace, io)
  const trustRoot = readInputFile(trust ?? '', '--trust')
  const catalogue = await Catalogue.open(
    { trustRoot, network, peers, patienceMs: timeoutMs, signal: io.signal },
    { clock: io.clock, random: io.random, log: io.log },
  )
  return {
    trustState: (ledgers) => catalogue.trustState(ledgers),
    manifest: (snapshot) => catalogue.manifest(snapshot),
    deltas: (from, to) => catalogue.deltas(to, from.cid, timeoutMs),
    [Symbol.asyncDispose]: () => catalogue[Symbol.asyncDispose](),
  }
}

async function openWorkspace(path: string, io: CommandIo): Promise<OpenCatalogue> {
  const workspace = await Workspace.open(path, io.clock)
  let blocks: FsBlockReader | undefined
  return {
    trustState: () => workspace.trustState(),
    manifest: (snapshot) => {
      blocks ??= new FsBlockReader(workspace.blocksPath, io.clock)
      return loadManifest(snapshot, blocks)
    },
    deltas: async (from, to) => {
      const sizes = await deltaSizes(workspace, from.cid, to.cid)
      return sizes === undefined ? { state: 'none' } : { state: 'ready', sizes }
    },
    async [Symbol.asyncDispose]() {
      await blocks?.close()
    },
  }
}
