import { constants, copyFileSync, linkSync, lstatSync, renameSync, rmSync } from 'node:fs'
import { isSystemError, storageErrorOf } from '../io-error.ts'
import { MODE_BITS } from '../walk.ts'
import type { AdoptedFile, AdoptJob, AdoptMethod, FileFingerprint } from './placer.ts'

/** A file system that cannot do it, two file systems, or too many names of one file: the next method may work. */
const UNABLE = ['ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EXDEV', 'EPERM', 'EMLINK', 'EINVAL', 'ENOTTY', 'EACCES', 'ENOENT']

/**
 * Carries out an {@link AdoptJob} on the calling thread.
 *
 * The fingerprint is compared before and after, so that a file that changes meanwhile is not taken for the one that was verified.
 *
 * @throws {StorageError} `NO_SPACE`, `IO_FAILED`
 */
export function adoptFile({ file, from, mode, methods }: AdoptJob): AdoptedFile | undefined {
  for (const method of methods) {
    const before = fingerprintOf(from.path)
    if (before === undefined || !isSameFile(before, from)) return undefined
    if (method === 'link' && before.mode !== mode) continue
    try {
      rmSync(file.path, { force: true })
      bring(method, from.path, file.path)
    } catch (cause) {
      if (isSystemError(cause, ...UNABLE)) continue
      throw storageErrorOf(cause, file.path, file.bytes)
    }
    const after = fingerprintOf(file.path)
    const source = method === 'clone' ? fingerprintOf(from.path) : after
    if (after !== undefined && after.bytes === file.bytes && source !== undefined && isSameFile(source, from))
      return { entry: file.entry, inode: after.inode, method }
    rmSync(file.path, { force: true })
    return undefined
  }
  return undefined
}

/** Whether a file is the very one, and unchanged since, that a fingerprint was taken of. */
export function isSameFile(found: FileFingerprint, known: FileFingerprint): boolean {
  return found.bytes === known.bytes && found.inode === known.inode && found.mtimeNs === known.mtimeNs
}

function bring(method: AdoptMethod, from: string, to: string): void {
  if (method === 'move') renameSync(from, to)
  else if (method === 'link') linkSync(from, to)
  else copyFileSync(from, to, constants.COPYFILE_FICLONE_FORCE | constants.COPYFILE_EXCL)
}

function fingerprintOf(path: string): (FileFingerprint & { readonly mode: number }) | undefined {
  const stats = lstatSync(path, { bigint: true, throwIfNoEntry: false })
  if (stats?.isFile() !== true) return undefined
  return { bytes: Number(stats.size), inode: stats.ino, mtimeNs: stats.mtimeNs, mode: Number(stats.mode) & MODE_BITS }
}
