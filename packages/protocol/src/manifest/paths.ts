import { NAME_BYTES_MAX, PATH_BYTES_MAX } from '../limits.ts'
import type { ProtocolError } from '../errors.ts'
import { malformed } from './fields.ts'

/** A link target fits wherever a path does. */
export const SYMLINK_TARGET_BYTES_MAX = PATH_BYTES_MAX

/** A joined directory keeps its journal and trust state here; a snapshot must never write there. */
const RESERVED_NAME = '.cairn'

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/**
 * The bytes of `path` in a page.
 *
 * A path is relative, `/` between names, no name empty, `.` or `..`, no NUL, valid Unicode, and its first name is not `.cairn`
 * in any case: on a file system that folds case, `.CAIRN` is the same directory.
 *
 * @throws {ProtocolError} `MALFORMED` with the path
 */
export function encodePath(path: string): Uint8Array {
  if (!path.isWellFormed()) throw malformedPath(path, 'not Unicode')
  const bytes = Buffer.from(path)
  assertPath(path, bytes.byteLength)
  return bytes
}

/** The inverse of {@link encodePath}, just as strict. */
export function decodePath(bytes: Uint8Array): string {
  const path = decodeText(bytes, 'path')
  assertPath(path, bytes.byteLength)
  return path
}

/** @throws {ProtocolError} `MALFORMED` unless `target` is 1 to {@link SYMLINK_TARGET_BYTES_MAX} bytes of Unicode without NUL */
export function encodeTarget(target: string): Uint8Array {
  if (!target.isWellFormed()) throw malformedTarget(target, 'not Unicode')
  const bytes = Buffer.from(target)
  assertTarget(target, bytes.byteLength)
  return bytes
}

/** The inverse of {@link encodeTarget}, just as strict. */
export function decodeTarget(bytes: Uint8Array): string {
  const target = decodeText(bytes, 'link target')
  assertTarget(target, bytes.byteLength)
  return target
}

/** Orders well-formed paths as their UTF-8 bytes: negative when `a` comes first, 0 when equal. */
export function comparePaths(a: string, b: string): number {
  const length = Math.min(a.length, b.length)
  for (let i = 0; i < length; i++) {
    // Code points order as their UTF-8 does; code units do not: U+10000 (0xd800…) sorts after U+E000.
    if (a.charCodeAt(i) !== b.charCodeAt(i)) return (a.codePointAt(i) ?? 0) - (b.codePointAt(i) ?? 0)
  }
  return a.length - b.length
}

/** The directory that `path` is in; `undefined` at the top. */
export function parentPath(path: string): string | undefined {
  const slash = path.lastIndexOf('/')
  return slash === -1 ? undefined : path.slice(0, slash)
}

/** `text` for a fault: control characters escaped, and short. */
export function quote(text: string): string {
  return JSON.stringify(text.length <= 120 ? text : `${text.slice(0, 60)}…${text.slice(-59)}`)
}

function decodeText(bytes: Uint8Array, what: string): string {
  try {
    return utf8.decode(bytes)
  } catch {
    throw malformed(what, 'not UTF-8')
  }
}

function assertPath(path: string, bytes: number): void {
  if (bytes > PATH_BYTES_MAX) throw malformedPath(path, `${bytes} bytes, ${PATH_BYTES_MAX} at most`)
  if (path.includes('\0')) throw malformedPath(path, 'contains NUL')
  for (const name of path.split('/')) {
    if (name === '') throw malformedPath(path, 'has an empty name')
    if (name === '.' || name === '..') throw malformedPath(path, `has the name ${name}`)
    // A UTF-16 unit is at most 3 bytes of UTF-8, so most names need no count.
    if (name.length * 3 > NAME_BYTES_MAX && Buffer.byteLength(name) > NAME_BYTES_MAX) {
      throw malformedPath(path, `has a name of more than ${NAME_BYTES_MAX} bytes`)
    }
  }
  const [top = ''] = path.split('/', 1)
  if (top.toLowerCase() === RESERVED_NAME) throw malformedPath(path, `${RESERVED_NAME} is reserved`)
}

function assertTarget(target: string, bytes: number): void {
  if (bytes === 0) throw malformedTarget(target, 'empty')
  if (bytes > SYMLINK_TARGET_BYTES_MAX) throw malformedTarget(target, `${bytes} bytes, ${SYMLINK_TARGET_BYTES_MAX} at most`)
  if (target.includes('\0')) throw malformedTarget(target, 'contains NUL')
}

function malformedPath(path: string, reason: string): ProtocolError {
  return malformed(`path ${quote(path)}`, reason)
}

function malformedTarget(target: string, reason: string): ProtocolError {
  return malformed(`link target ${quote(target)}`, reason)
}
