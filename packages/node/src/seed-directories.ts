import { join } from 'node:path'
import { FsBlockReader, inspectTarget, type ReuseDirectory, STATE_DIRECTORY, StorageError, VersionDirectory } from '@cairn/storage'
import { loadManifest } from '@cairn/swarm'
import type { Clock } from '@cairn/runtime'

/**
 * Directories that somebody named as likely to hold chunks. One that was joined is looked up by its manifest; any other one, and what
 * was changed in it since, is cut and hashed. Of one that follows, the version in use is taken.
 *
 * @throws {StorageError} `IO_FAILED` if one cannot be read
 */
export async function seedDirectories(paths: readonly string[], clock: Clock): Promise<readonly ReuseDirectory[]> {
  return Promise.all(paths.map((root) => seedDirectory(root, clock)))
}

async function seedDirectory(path: string, clock: Clock): Promise<ReuseDirectory> {
  const versions = await VersionDirectory.find(path)
  const root = versions === undefined ? path : join(versions.path, 'current')
  try {
    const joined = await inspectTarget(root)
    if (joined === undefined) return { root, methods: ['clone'] }
    await using pages = new FsBlockReader(join(path, STATE_DIRECTORY, 'blocks'), clock)
    return { root, index: await loadManifest(joined.snapshot, pages), methods: ['clone'] }
  } catch (error) {
    // Not a directory that was joined, or one whose list is lost: its files are as good as any.
    if (error instanceof StorageError && error.fault.code !== 'IO_FAILED') return { root, methods: ['clone'] }
    throw error
  }
}
