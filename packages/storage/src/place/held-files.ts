import { constants } from 'node:fs'
import { type FileHandle, open } from 'node:fs/promises'
import { join } from 'node:path'
import type { SnapshotIndex } from '@cairn/protocol'

/** Smaller files are freed about as soon as they are opened. */
const HELD_FILE_BYTES_MIN = 1024 * 1024
/** Most systems let a process open 1,024 files; the rest of this one needs some. */
const HELD_FILES_MAX = 256

export interface HeldFiles {
  /** Resolves when what nobody else has is freed; never fails. */
  release(): Promise<void>
}

/**
 * Keeps the large files of `index` in `root` open, so that losing their last name costs nothing then: the kernel frees their blocks and
 * what it has cached of them, 0.2 s for each GiB, when they are closed, which is in {@link HeldFiles.release}.
 *
 * What cannot be opened is passed over.
 */
export async function holdFiles(root: string, index: SnapshotIndex): Promise<HeldFiles> {
  const files = index.entries.filter((entry) => entry.type === 'file' && entry.bytes >= HELD_FILE_BYTES_MIN).slice(0, HELD_FILES_MAX)
  const held: FileHandle[] = []
  for (const { path } of files) {
    // Without O_NONBLOCK, opening a pipe that somebody put there would wait for a writer.
    const flags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK
    const file = await open(join(root, path), flags).catch(() => undefined)
    if (file !== undefined) held.push(file)
  }
  return {
    async release() {
      // Nothing was written through them, so there is nothing that closing could lose.
      await Promise.allSettled(held.map((file) => file.close()))
    },
  }
}
