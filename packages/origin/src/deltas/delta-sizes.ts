import type { CID } from '@cairn/protocol'
import { DeltaSets } from '@cairn/storage'
import { DELTAS_BYTES_MAX } from '../limits.ts'
import type { Workspace } from '../workspace.ts'

/**
 * Frame bytes by chunk index of `to` of the deltas that a workspace has for holders of `from`; `undefined` if it has made none.
 *
 * @throws {StorageError} `IO_FAILED`
 */
export async function deltaSizes(workspace: Workspace, from: CID, to: CID): Promise<ReadonlyMap<number, number> | undefined> {
  await using sets = await DeltaSets.open({ path: workspace.deltasPath, bytesMax: DELTAS_BYTES_MAX })
  return await sets.sizes(from, to)
}
