import { constants, type Stats } from 'node:fs'
import { type FileHandle, open, readlink } from 'node:fs/promises'
import { join } from 'node:path'
import { type IndexedEntry, sha256, type SnapshotIndex } from '@cairn/protocol'
import { storageErrorOf } from './io-error.ts'
import { foreignFiles, lstatIfExists } from './place/target-tree.ts'
import { readFully } from './read-range.ts'
import { MODE_BITS } from './walk.ts'

/** How a directory differs from a snapshot: paths relative to it, in the order of the manifest. */
export interface VerifyReport {
  readonly ok: boolean
  /** Files with other content, and entries of another type. */
  readonly altered: readonly string[]
  readonly missing: readonly string[]
  /** Files, links and directories that the snapshot does not have; what is in an extra directory is not listed. */
  readonly extra: readonly string[]
  readonly wrongMode: readonly string[]
  /** Links with another target. */
  readonly wrongLink: readonly string[]
  /** Missing files whose content lies, whole, in an extra one. */
  readonly renamed: readonly RenamedFile[]
}

export interface RenamedFile {
  readonly path: string
  readonly found: string
}

export interface VerifyProgress {
  readonly bytesDone: number
  readonly bytesTotal: number
}

export interface VerifyOptions {
  readonly onProgress?: (progress: VerifyProgress) => void
  /** Hears of every chunk that is not in one of its places as it should be; of all of a file whose length differs. */
  readonly onDamagedChunk?: (chunk: number) => void
  readonly signal?: AbortSignal
}

/**
 * Compares the directory at `root` with a snapshot: names, types, permissions, link targets, and the SHA-256 of every chunk.
 * The `.cairn` at the top is not looked at. Reads every byte once, those of an extra file that has the length of a missing one too, and holds one chunk at a time.
 *
 * @throws {StorageError} `IO_FAILED` where something cannot be read; the signal's reason
 */
export async function verifyDirectory(root: string, index: SnapshotIndex, options: VerifyOptions = {}): Promise<VerifyReport> {
  const report = {
    altered: [] as string[],
    missing: [] as string[],
    extra: [] as string[],
    wrongMode: [] as string[],
    wrongLink: [] as string[],
    renamed: [] as RenamedFile[],
  }
  const bytesTotal = index.root.totals.bytes
  let bytesDone = 0
  for (const [i, entry] of index.entries.entries()) {
    options.signal?.throwIfAborted()
    const full = join(root, entry.path)
    const stats = await lstatIfExists(full)
    const isThere = stats !== undefined && isOfType(stats, entry)
    if (!isThere) (stats === undefined ? report.missing : report.altered).push(entry.path)
    else if (entry.type === 'symlink' && (await readlink(full)) !== entry.target) report.wrongLink.push(entry.path)
    else if (entry.type !== 'symlink' && (stats.mode & MODE_BITS) !== entry.mode) report.wrongMode.push(entry.path)
    if (entry.type !== 'file') continue

    const isWhole = isThere && stats.size === entry.bytes
    let damagedCount = 0
    for await (const { chunk, bytes, ok } of isWhole ? checkFile(full, i, index, options.signal) : damagedFile(i, index)) {
      if (!ok) {
        damagedCount++
        options.onDamagedChunk?.(chunk)
      }
      bytesDone += bytes
      options.onProgress?.({ bytesDone, bytesTotal })
    }
    if (isThere && (!isWhole || damagedCount > 0)) report.altered.push(entry.path)
  }
  for await (const path of foreignFiles(root, index)) if (index.entryAt(path) === undefined) report.extra.push(path)
  report.renamed.push(...(await findRenamed(root, index, report, options.signal)))
  return { ...report, ok: Object.values(report).every((paths) => paths.length === 0) }
}

/** Compares extra files only with missing ones of their length, and each until the first difference. */
async function findRenamed(
  root: string,
  index: SnapshotIndex,
  { missing, extra }: Pick<VerifyReport, 'missing' | 'extra'>,
  signal: AbortSignal | undefined,
): Promise<readonly RenamedFile[]> {
  if (missing.length === 0 || extra.length === 0) return []
  const extrasBySize = new Map<number, string[]>()
  for (const path of extra) {
    const stats = await lstatIfExists(join(root, path))
    if (stats?.isFile() !== true || stats.size === 0) continue
    const others = extrasBySize.get(stats.size)
    if (others === undefined) extrasBySize.set(stats.size, [path])
    else others.push(path)
  }
  const renamed: RenamedFile[] = []
  for (const path of missing) {
    const i = index.entryAt(path)
    const entry = i === undefined ? undefined : index.entries[i]
    if (i === undefined || entry?.type !== 'file') continue
    for (const found of extrasBySize.get(entry.bytes) ?? []) {
      if (!(await isFile(join(root, found), i, index, signal))) continue
      renamed.push({ path, found })
      break
    }
  }
  return renamed
}

async function isFile(full: string, entry: number, index: SnapshotIndex, signal: AbortSignal | undefined): Promise<boolean> {
  for await (const { ok } of checkFile(full, entry, index, signal)) if (!ok) return false
  return true
}

interface CheckedChunk {
  readonly chunk: number
  readonly bytes: number
  readonly ok: boolean
}

/** Hashes the chunks of the regular file at `full`. */
async function* checkFile(
  full: string,
  entry: number,
  index: SnapshotIndex,
  signal: AbortSignal | undefined,
): AsyncGenerator<CheckedChunk> {
  let file: FileHandle | undefined
  try {
    file = await open(full, constants.O_RDONLY | constants.O_NOFOLLOW)
    const buffer = Buffer.allocUnsafeSlow(index.root.chunking.bytesMax)
    for (const { chunk, offset, bytes } of index.chunksOfFile(entry)) {
      signal?.throwIfAborted()
      const plain = await readFully(file, offset, buffer.subarray(0, bytes))
      yield { chunk, bytes, ok: plain !== undefined && isChunk(plain, chunk, index) }
    }
  } catch (cause) {
    if (signal?.aborted) throw cause
    throw storageErrorOf(cause, full)
  } finally {
    await file?.close()
  }
}

async function* damagedFile(entry: number, index: SnapshotIndex): AsyncGenerator<CheckedChunk> {
  for (const { chunk, bytes } of index.chunksOfFile(entry)) yield { chunk, bytes, ok: false }
}

/** Whether `plain` is chunk `chunk` of the snapshot. */
export function isChunk(plain: Uint8Array, chunk: number, index: SnapshotIndex): boolean {
  return Buffer.compare(sha256(plain), index.chunkDigest(chunk)) === 0
}

function isOfType(stats: Stats, entry: IndexedEntry): boolean {
  switch (entry.type) {
    case 'file':
      return stats.isFile()
    case 'directory':
      return stats.isDirectory()
    case 'symlink':
      return stats.isSymbolicLink()
    default:
      return entry satisfies never
  }
}
