import { type Stats } from 'node:fs'
import { lstat, readdir, readlink } from 'node:fs/promises'
import { StorageError } from './errors.ts'
import { storageErrorOf } from './io-error.ts'

/** What a directory tree holds, as a manifest lists it. `path` is relative to the root, with `/`; `mode` is the permission bits. */
export type WalkedEntry =
  | { readonly type: 'directory'; readonly path: string; readonly mode: number }
  | { readonly type: 'file'; readonly path: string; readonly mode: number; readonly bytes: number }
  | { readonly type: 'symlink'; readonly path: string; readonly target: string }

/** The directory of a joined tree that is Cairn's own. */
export const STATE_DIRECTORY = '.cairn'

/** Permission bits of a mode, set-user-id and its kin included. */
export const MODE_BITS = 0o7777
const SLASH = Buffer.from('/')
const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/**
 * Every directory, file and link below `root`, by the bytes of the whole path ascending: `a`, `a.txt`, `a/b`.
 * Links are not followed. The root itself is not listed. Holds the names of the directories on the way to the current one.
 *
 * @throws {StorageError} `UNSUPPORTED_FILE` with the path of a socket, device or pipe, of a name or link target that is not UTF-8, or
 *   of a `.cairn` at the top (the tree was joined, and that part of it is not the ledger's); `IO_FAILED`
 */
export async function* walkTree(root: string): AsyncGenerator<WalkedEntry> {
  yield* walkDirectory(Buffer.from(root), '')
}

async function* walkDirectory(directory: Buffer, prefix: string): AsyncGenerator<WalkedEntry> {
  for (const { name, visit } of await readVisits(directory)) {
    const full = Buffer.concat([directory, SLASH, name])
    const path = prefix + decodeText(name, full, 'name')
    if (path === STATE_DIRECTORY) throw unsupported(full, "directory of Cairn's own")
    if (visit === 'contents') yield* walkDirectory(full, `${path}/`)
    else yield await describe(full, path)
  }
}

/**
 * The names in a directory, each subdirectory twice: itself, and its contents where `name/` sorts.
 * That is what makes a walk ascend by whole paths although `-` and `.` sort before `/`.
 */
async function readVisits(directory: Buffer): Promise<readonly { readonly name: Buffer; readonly visit: 'self' | 'contents' }[]> {
  const entries = await readdir(directory, { encoding: 'buffer', withFileTypes: true }).catch((cause: unknown) => {
    throw storageErrorOf(cause, directory.toString())
  })
  const visits = entries.flatMap((entry) => {
    const { name } = entry
    const self = { name, key: name, visit: 'self' as const }
    return entry.isDirectory() ? [self, { name, key: Buffer.concat([name, SLASH]), visit: 'contents' as const }] : [self]
  })
  return visits.sort((a, b) => Buffer.compare(a.key, b.key))
}

async function describe(full: Buffer, path: string): Promise<WalkedEntry> {
  try {
    const stats = await lstat(full)
    const mode = stats.mode & MODE_BITS
    if (stats.isDirectory()) return { type: 'directory', path, mode }
    if (stats.isFile()) return { type: 'file', path, mode, bytes: stats.size }
    if (!stats.isSymbolicLink()) throw unsupported(full, kindOf(stats))
    return { type: 'symlink', path, target: decodeText(await readlink(full, 'buffer'), full, 'link to a target') }
  } catch (cause) {
    throw storageErrorOf(cause, full.toString())
  }
}

function kindOf(stats: Stats): string {
  if (stats.isSocket()) return 'socket'
  if (stats.isFIFO()) return 'named pipe'
  return 'device'
}

function decodeText(bytes: Buffer, full: Buffer, what: string): string {
  try {
    return utf8.decode(bytes)
  } catch {
    throw unsupported(full, `${what} that is not UTF-8`)
  }
}

function unsupported(full: Buffer, kind: string): StorageError {
  return new StorageError({ code: 'UNSUPPORTED_FILE', path: full.toString(), kind })
}
