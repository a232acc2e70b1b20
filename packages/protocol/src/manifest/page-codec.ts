import { ENTRIES_MAX, CHUNK_REFS_MAX, PAGE_BYTES_MAX, PAGE_DEPTH_MAX, PATH_BYTES_MAX } from '../limits.ts'
import { decodeBlock, encodeBlock } from './canonical.ts'
import { assertChunkItems, type ChunkItems } from './chunk-items.ts'
import { malformed, readBytes, readInteger, readList, readPageLink, readTuple } from './fields.ts'
import type { IndexPage, LeafPage, LeafRecord, Page, PageRef } from './page.ts'
import { SYMLINK_TARGET_BYTES_MAX, decodePath, decodeTarget, encodePath, encodeTarget } from './paths.ts'
import { MODE_MAX } from './types.ts'

/** First item of a record. */
const KIND = { directory: 0, symlink: 1, file: 2, continuation: 3 } as const

/** @throws {ProtocolError} for a path, target or size that {@link decodePage} would refuse */
export function encodePage(page: Page): Uint8Array {
  const items = page.type === 'leaf' ? page.records.map(encodeRecord) : page.children.map(encodeChild)
  return encodeBlock([page.level, items], 'manifest page')
}

/**
 * Reads one page on its own: shape, bounds and canonical form. What only shows beside other pages (order, totals, cuts)
 * is for `ManifestLoader`.
 *
 * @throws {ProtocolError}
 */
export function decodePage(bytes: Uint8Array): Page {
  return decodeBlock(bytes, 'manifest page', readPage)
}

function readPage(value: unknown): Page {
  const [first, second] = readTuple(value, 'manifest page', 2)
  const level = readInteger(first, 'page level', PAGE_DEPTH_MAX)
  const items = readList(second, 'page items')
  if (items.length === 0) throw malformed('manifest page', 'empty')
  return level === 0 ? readLeaf(items) : readIndex(level, items)
}

function readLeaf(items: readonly unknown[]): LeafPage {
  const records = items.map(readRecord)
  if (records.some((record, i) => record.type === 'continuation' && i > 0))
    throw malformed('leaf page', 'a continuation is not its first record')
  return { type: 'leaf', level: 0, records }
}

function readIndex(level: number, items: readonly unknown[]): IndexPage {
  return { type: 'index', level, children: items.map(readChild) }
}

function encodeChild(child: PageRef): unknown {
  return [child.cid, child.entries, child.chunks, child.bytes]
}

function readChild(value: unknown): PageRef {
  const [link, entries, chunks, bytes] = readTuple(value, 'index record', 4)
  const ref = {
    cid: readPageLink(link, 'page link'),
    entries: readInteger(entries, 'entries of a page', ENTRIES_MAX),
    chunks: readInteger(chunks, 'chunks of a page', CHUNK_REFS_MAX),
    bytes: readInteger(bytes, 'bytes of a page'),
  }
  // Every page lists something, so walking the tree costs no more steps than the totals admit.
  if (ref.entries === 0 && ref.chunks === 0) throw malformed('index record', 'lists an empty page')
  return ref
}

function encodeRecord(record: LeafRecord): unknown {
  switch (record.type) {
    case 'directory':
      return [KIND.directory, encodePath(record.path), record.mode]
    case 'symlink':
      return [KIND.symlink, encodePath(record.path), encodeTarget(record.target)]
    case 'file':
      return [KIND.file, encodePath(record.path), record.mode, record.bytes, record.items]
    case 'continuation':
      return [KIND.continuation, record.items]
    default:
      return record satisfies never
  }
}

function readRecord(value: unknown): LeafRecord {
  const kind = readList(value, 'record')[0]
  switch (kind) {
    case KIND.directory: {
      const [, path, mode] = readTuple(value, 'directory record', 3)
      return { type: 'directory', path: readPath(path), mode: readInteger(mode, 'mode', MODE_MAX) }
    }
    case KIND.symlink: {
      const [, path, target] = readTuple(value, 'link record', 3)
      const targetBytes = readBytes(target, 'link target', 1, SYMLINK_TARGET_BYTES_MAX)
      return { type: 'symlink', path: readPath(path), target: decodeTarget(targetBytes) }
    }
    case KIND.file:
      return readFile(readTuple(value, 'file record', 5))
    case KIND.continuation: {
      const items = readItems(readTuple(value, 'continuation record', 2)[1])
      if (items.byteLength === 0) throw malformed('continuation record', 'no chunks')
      return { type: 'continuation', items }
    }
    default:
      throw malformed('record', 'unknown kind')
  }
}

function readFile([, pathBytes, mode, length, run]: readonly unknown[]): LeafRecord {
  const path = readPath(pathBytes)
  const bytes = readInteger(length, 'file length')
  const items = readItems(run)
  if ((bytes === 0) !== (items.byteLength === 0)) throw malformed('file record', 'only an empty file has no chunks beside it')
  return { type: 'file', path, mode: readInteger(mode, 'mode', MODE_MAX), bytes, items }
}

function readPath(value: unknown): string {
  return decodePath(readBytes(value, 'path', 1, PATH_BYTES_MAX))
}

function readItems(value: unknown): ChunkItems {
  const items = readBytes(value, 'chunk run', 0, PAGE_BYTES_MAX)
  assertChunkItems(items)
  return items
}
