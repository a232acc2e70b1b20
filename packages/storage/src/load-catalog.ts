import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { Clock, Log } from '@cairn/runtime'
import { BlockCatalog } from './block-catalog.ts'
import { BlockIndex } from './block-index.ts'
import { StorageError } from './errors.ts'

export interface LoadedCatalog {
  readonly index: BlockIndex
  readonly catalog: BlockCatalog
}

/**
 * Opens the index of the block store in `directory`.
 *
 * It can be made again from the files, so a damaged one is: every frame is then verified as if it were new.
 */
export async function loadCatalog(directory: string, clock: Clock, log: Log): Promise<LoadedCatalog> {
  const path = join(directory, 'index.sqlite')
  try {
    return load(path, clock, log)
  } catch (error) {
    if (!(error instanceof StorageError) || error.fault.code !== 'CORRUPT') throw error
    log.warn('block-index-rebuilt', { path, reason: error.fault.reason })
    for (const suffix of ['', '-wal', '-shm']) await rm(path + suffix, { force: true })
    return load(path, clock, log)
  }
}

function load(path: string, clock: Clock, log: Log): LoadedCatalog {
  const index = new BlockIndex(path, clock, (error) => log.warn('block-index-commit-failed', { reason: error.message }))
  try {
    return { index, catalog: new BlockCatalog(index, index.load()) }
  } catch (cause) {
    index.abandon()
    throw cause
  }
}
