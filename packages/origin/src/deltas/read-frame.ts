import type { CID } from '@cairn/protocol'
import { type BlockSource, StorageError } from '@cairn/storage'

/**
 * The frame of a chunk; `undefined` where it cannot be had: it was served from a directory that has changed since, or its block is damaged.
 *
 * @throws {StorageError} `IO_FAILED`
 */
export async function readFrame(source: BlockSource, chunk: CID): Promise<Uint8Array | undefined> {
  try {
    return await source.get(chunk)
  } catch (error) {
    if (error instanceof StorageError && (error.fault.code === 'SOURCE_CHANGED' || error.fault.code === 'CORRUPT')) return undefined
    throw error
  }
}
