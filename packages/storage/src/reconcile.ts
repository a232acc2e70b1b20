import { crc32 } from 'node:zlib'
import { CHUNK_BYTES_MAX, type CID, decodeCid, decodeFrame, isPageCid, PAGE_BYTES_MAX, verifyBlock } from '@cairn/protocol'
import type { Log } from '@cairn/runtime'
import type { BlockCatalog } from './block-catalog.ts'
import type { BlockFiles } from './block-files.ts'
import type { BlockIndex, PackedAt } from './block-index.ts'
import { type BlockKey, blockKey, keyCid } from './block-key.ts'
import { forEachBounded } from './bounded.ts'
import type { PackFiles } from './pack-files.ts'

/** Files looked at at a time. */
const SCAN_CONCURRENCY = 4

export interface Reconcilable {
  readonly catalog: BlockCatalog
  readonly index: BlockIndex
  readonly files: BlockFiles
  readonly packs: PackFiles
  readonly log: Log
}

/**
 * Makes a block store's catalog say what its directory holds after a run that did not close it: what was written and not indexed is
 * verified and kept, what is indexed and gone is dropped. Nothing indexed is read.
 *
 * `rebooted`: files may have lost their tail, so their sizes are compared too; content is checked when it is read in either case.
 */
export async function reconcile(store: Reconcilable, rebooted: boolean): Promise<void> {
  const { catalog, files, log } = store
  const missing = new Set(catalog.keys())
  const packs = await reconcilePacks(store, missing)
  let [adoptedCount, refusedCount, temporaryCount] = [packs.adoptedCount, 0, 0]
  for await (const { cids, removedCount } of files.scan()) {
    temporaryCount += removedCount
    await forEachBounded(cids, SCAN_CONCURRENCY, async (cid) => {
      const row = catalog.row(blockKey(cid))
      if (row?.packed !== undefined) {
        await files.remove(cid) // moved out of its pack, and the row that says so was lost
      } else if (row === undefined) {
        if (await adoptFile(store, cid)) adoptedCount++
        else refusedCount++
      } else if (!rebooted || (await files.bytes(cid)) === row.bytes) {
        missing.delete(blockKey(cid))
      }
    })
  }
  for (const key of missing) if (catalog.remove(key)?.packed === undefined) await files.remove(keyCid(key))
  log.info('block-store-reconciled', { rebooted, adoptedCount, refusedCount, temporaryCount, missingCount: missing.size })
}

/** Takes what is in its pack out of `missing`. */
async function reconcilePacks(store: Reconcilable, missing: Set<BlockKey>): Promise<{ readonly adoptedCount: number }> {
  const { index, packs } = store
  let adoptedCount = 0
  for (const pack of await packs.list()) {
    const packBytes = (await packs.bytes(pack)) ?? 0
    let end = 0
    for (const { key, start, bytes } of index.packedIn(pack)) {
      if (start + bytes > packBytes) continue
      missing.delete(key)
      end = start + bytes
    }
    for await (const { cid, start, bytes, checksum, frame } of packs.records(pack, end)) {
      end = start + bytes
      if (crc32(frame) === checksum && adoptPacked(store, cid, frame, { pack, start })) adoptedCount++
    }
    if (end < packBytes) await packs.cut(pack, end)
  }
  return { adoptedCount }
}

function adoptPacked({ catalog }: Reconcilable, cidBytes: Uint8Array, frame: Uint8Array, packed: PackedAt): boolean {
  const cid = cidIfValid(cidBytes)
  if (cid === undefined || catalog.has(blockKey(cid)) || !isFrameOf(cid, frame)) return false
  catalog.add(blockKey(cid), { bytes: frame.byteLength, checksum: crc32(frame), packed })
  return true
}

/** Takes a file that no row mentions, if it is the block that it is named after; removes it otherwise. */
async function adoptFile({ catalog, files }: Reconcilable, cid: CID): Promise<boolean> {
  const bytes = await files.bytes(cid)
  const frame = bytes === undefined || bytes > plainBytesMax(cid) + 1 ? undefined : await files.read(cid, bytes)
  if (frame === undefined || !isFrameOf(cid, frame)) {
    await files.remove(cid)
    return false
  }
  catalog.add(blockKey(cid), { bytes: frame.byteLength, checksum: crc32(frame) })
  return true
}

function isFrameOf(cid: CID, frame: Uint8Array): boolean {
  try {
    return verifyBlock(cid, decodeFrame(frame, plainBytesMax(cid)))
  } catch {
    return false // a torn frame
  }
}

function cidIfValid(bytes: Uint8Array): CID | undefined {
  try {
    return decodeCid(bytes)
  } catch {
    return undefined
  }
}

function plainBytesMax(cid: CID): number {
  return isPageCid(cid) ? PAGE_BYTES_MAX : CHUNK_BYTES_MAX
}
