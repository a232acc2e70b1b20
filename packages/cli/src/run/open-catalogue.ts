import { Workspace } from '@cairn/origin/publish'
import type { CID, SnapshotIndex } from '@cairn/protocol'
import { FsBlockReader } from '@cairn/storage'
import { Catalogue } from '@cairn/node'
import { loadManifest } from '@cairn/swarm'
import type { TrustState } from '@cairn/trust'
import { readInputFile } from '../input-file.ts'
import type { CommandIo } from '../io.ts'
import type { CatalogueOptions } from '../options.ts'

/** Releases and manifests, from a workspace on this machine or from peers that prove them. */
export interface OpenCatalogue extends AsyncDisposable {
  trustState(ledgers: readonly string[] | 'all'): Promise<TrustState>
  manifest(snapshot: CID): Promise<SnapshotIndex>
}

export async function openCatalogue(options: CatalogueOptions, io: CommandIo): Promise<OpenCatalogue> {
  const { workspace, trust, network, peers, timeoutMs } = options
  if (workspace !== undefined) return openWorkspace(workspace, io)
  const trustRoot = readInputFile(trust ?? '', '--trust')
  return Catalogue.open(
    { trustRoot, network, peers, patienceMs: timeoutMs, signal: io.signal },
    { clock: io.clock, random: io.random, log: io.log },
  )
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
    async [Symbol.asyncDispose]() {
      await blocks?.close()
    },
  }
}
