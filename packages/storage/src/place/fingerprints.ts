import { crc32 } from 'node:zlib'
import { lstat } from 'node:fs/promises'
import { join } from 'node:path'
import { CID_BYTES, type CID, decodeCid, type SnapshotIndex } from '@cairn/protocol'
import { forEachBounded } from '../bounded.ts'
import { readFileIfExists, writeFileDurably } from '../durable-file.ts'
import { isSystemError, storageErrorOf } from '../io-error.ts'
import { STATE_DIRECTORY } from '../walk.ts'
import type { FileFingerprint } from './placer.ts'

const MAGIC = Buffer.from('CAIRNFPR')
const VERSION = 1
const HEADER_BYTES = MAGIC.byteLength + 1 + CID_BYTES + 4
/** Entry (u32), inode number (u64) and time of the last change of its content in nanoseconds (i64). */
const FILE_BYTES = 20
const CRC_BYTES = 4
/** Files looked at at once: each is a trip to another thread, which takes longer than the look. */
const CONCURRENCY = 4

/** A file of a complete directory as it was when its last chunk had been verified. Its length is the manifest's. */
export interface EntryFingerprint extends Omit<FileFingerprint, 'bytes'> {
  readonly entry: number
}

export interface Fingerprints {
  readonly snapshot: CID
  readonly files: readonly EntryFingerprint[]
}

/** One block: written whole when a join is complete, so a checksum over all of it is enough. */
export function encodeFingerprints({ snapshot, files }: Fingerprints): Uint8Array {
  const bytes = Buffer.alloc(HEADER_BYTES + files.length * FILE_BYTES + CRC_BYTES)
  let at = MAGIC.copy(bytes)
  at = bytes.writeUInt8(VERSION, at)
  bytes.set(snapshot.bytes, at)
  at = bytes.writeUInt32BE(files.length, at + CID_BYTES)
  for (const { entry, inode, mtimeNs } of files) {
    at = bytes.writeUInt32BE(entry, at)
    at = bytes.writeBigUInt64BE(BigInt.asUintN(64, inode), at)
    at = bytes.writeBigInt64BE(BigInt.asIntN(64, mtimeNs), at)
  }
  bytes.writeUInt32BE(crc32(bytes.subarray(0, at)), at)
  return bytes
}

/** `undefined` for what this version did not write whole: then nothing is known of the files, and they are read. */
export function decodeFingerprints(bytes: Uint8Array): Fingerprints | undefined {
  const view = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const end = view.byteLength - CRC_BYTES
  if (end < HEADER_BYTES || !view.subarray(0, MAGIC.byteLength).equals(MAGIC) || view[MAGIC.byteLength] !== VERSION) return undefined
  const count = view.readUInt32BE(HEADER_BYTES - 4)
  if (end !== HEADER_BYTES + count * FILE_BYTES || view.readUInt32BE(end) !== crc32(view.subarray(0, end))) return undefined
  const start = MAGIC.byteLength + 1
  // A copy: the identifier would otherwise keep the whole file in memory.
  const snapshot = decodeCid(new Uint8Array(view.subarray(start, start + CID_BYTES)))
  const files = Array.from({ length: count }, (_, i) => {
    const at = HEADER_BYTES + i * FILE_BYTES
    return { entry: view.readUInt32BE(at), inode: view.readBigUInt64BE(at + 4), mtimeNs: view.readBigInt64BE(at + 12) }
  })
  return { snapshot, files }
}

/**
 * Notes how the files of a complete directory look, so that a later version can take them over unread.
 *
 * @throws {StorageError} `NO_SPACE`, `IO_FAILED`
 */
export async function writeFingerprints(root: string, index: SnapshotIndex): Promise<void> {
  const files: EntryFingerprint[] = []
  await forEachBounded(index.entries.entries(), CONCURRENCY, async ([entry, { type, path }]) => {
    const found = type === 'file' ? await fingerprintFile(join(root, path)) : undefined
    if (found !== undefined) files.push({ entry, inode: found.inode, mtimeNs: found.mtimeNs })
  })
  files.sort((a, b) => a.entry - b.entry)
  await writeFileDurably(fingerprintsPath(root), encodeFingerprints({ snapshot: index.cid, files }))
}

/** What was noted when the directory was complete, by entry; `undefined` if it never was, or is of another snapshot. */
export async function readFingerprints(root: string, snapshot: CID): Promise<ReadonlyMap<number, EntryFingerprint> | undefined> {
  const bytes = await readFileIfExists(fingerprintsPath(root))
  const known = bytes === undefined ? undefined : decodeFingerprints(bytes)
  return known?.snapshot.equals(snapshot) === true ? new Map(known.files.map((file) => [file.entry, file])) : undefined
}

/** Of the regular file at `path`, `undefined` if there is none. */
export async function fingerprintFile(path: string): Promise<FileFingerprint | undefined> {
  try {
    const stats = await lstat(path, { bigint: true })
    return stats.isFile() ? { bytes: Number(stats.size), inode: stats.ino, mtimeNs: stats.mtimeNs } : undefined
  } catch (cause) {
    if (isSystemError(cause, 'ENOENT', 'ENOTDIR')) return undefined
    throw storageErrorOf(cause, path)
  }
}

export function fingerprintsPath(root: string): string {
  return join(root, STATE_DIRECTORY, 'fingerprints')
}
