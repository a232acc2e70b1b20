import type { Payload } from './contenders/contender.ts'
import { ledgerDirectory } from './data.ts'
import { listFiles, totalBytes, treeDigest } from './tree.ts'

/** The sample ledger of about `bytes`. */
export async function ledgerPayload(bytes: number): Promise<Payload> {
  return await payloadOf(await ledgerDirectory(bytes))
}

/** All that is in `directory`. */
export async function payloadOf(directory: string): Promise<Payload> {
  return { directory, bytes: totalBytes(await listFiles(directory)), digest: await treeDigest(directory) }
}

/** @throws {Error} if what is at `path` is not the payload, file by file */
export async function checkArrived(payload: Payload, path: string): Promise<void> {
  if ((await treeDigest(path, '.cairn')) !== payload.digest) throw new Error(`${path} holds something else than the source`)
}
