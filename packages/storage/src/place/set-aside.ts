import { mkdir, readdir, rename } from 'node:fs/promises'
import { join } from 'node:path'
import type { SnapshotIndex } from '@cairn/protocol'
import { storageErrorOf } from '../io-error.ts'
import { removeTree } from '../remove-tree.ts'
import { filesBelow } from '../reuse/files-below.ts'
import type { ReuseDirectory } from '../reuse/reuse-sources.ts'
import { STATE_DIRECTORY } from '../walk.ts'
import { fingerprintFile, readFingerprints } from './fingerprints.ts'
import { lstatIfExists } from './target-tree.ts'

const MOVE = ['move'] as const

/**
 * Prepares the repair of a directory that was complete once: files that are not the ones that were placed, or have another length, make
 * way for those that will be, and stay a source of chunks until {@link forgetAside}; so do files that the snapshot does not list, where
 * they are. Files that were only written into are mended in place.
 *
 * @throws {StorageError} `IO_FAILED`
 */
export async function setAside(root: string, index: SnapshotIndex): Promise<readonly ReuseDirectory[]> {
  const fingerprints = await readFingerprints(root, index.cid)
  if (fingerprints === undefined) return []
  const aside = asidePath(root)
  const written: string[] = []
  try {
    let next = (await lstatIfExists(aside)) === undefined ? 0 : (await readdir(aside)).length
    for (const [i, entry] of index.entries.entries()) {
      const found = entry.type === 'file' ? await fingerprintFile(join(root, entry.path)) : undefined
      const known = fingerprints.get(i)
      if (entry.type !== 'file' || found === undefined || known === undefined) continue
      // Where everything was copied somewhere else, every file is another one, and keeps its time: that is no reason to move it.
      const isOther = found.inode !== known.inode && found.mtimeNs !== known.mtimeNs
      if (found.bytes !== entry.bytes || isOther) {
        await mkdir(aside, { recursive: true })
        await rename(join(root, entry.path), join(aside, `${next}`))
        next += 1
      } else if (found.mtimeNs !== known.mtimeNs) written.push(entry.path)
    }
  } catch (cause) {
    throw storageErrorOf(cause, root)
  }
  const extra: string[] = []
  for await (const path of filesBelow(root)) if (index.entryAt(path) === undefined) extra.push(path)
  return [
    ...((await lstatIfExists(aside)) === undefined ? [] : [{ root: aside, methods: MOVE }]),
    ...(extra.length === 0 ? [] : [{ root, files: extra, methods: MOVE }]),
    ...(written.length === 0 ? [] : [{ root, files: written, methods: [] }]),
  ]
}

/** Removes what {@link setAside} put aside: the snapshot is whole without it. @throws {StorageError} `IO_FAILED` */
export async function forgetAside(root: string): Promise<void> {
  await removeTree(asidePath(root))
}

function asidePath(root: string): string {
  return join(root, STATE_DIRECTORY, 'aside')
}
