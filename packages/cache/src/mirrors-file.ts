import { type CID, isPageCid, parseCid } from '@cairn/protocol'
import type { Instant } from '@cairn/runtime'
import { readFileIfExists, StorageError, writeFileDurably } from '@cairn/storage'

const WHAT = 'cairn mirrors'
const VERSION = 1

/** What `mirrors.json` remembers of a snapshot that is held wholly or in part. */
export interface MirrorRecord {
  readonly cid: CID
  readonly ledger: string
  readonly height: number
  /** Frame bytes of its blocks, shared ones included, when they were last counted: at the start of its download and at the end. */
  readonly bytes: number
  /** Whether all of it was on disk when this was written. */
  readonly complete: boolean
  /** When somebody last began to fetch it here. */
  readonly lastUsedAt: Instant
  /** Channels that point, or once pointed, to it. */
  readonly channels: readonly string[]
}

/** @throws {StorageError} `NO_SPACE`, `IO_FAILED` */
export function writeMirrors(path: string, mirrors: readonly MirrorRecord[]): Promise<void> {
  const file = { what: WHAT, version: VERSION, mirrors: mirrors.map((mirror) => ({ ...mirror, cid: mirror.cid.toString() })) }
  return writeFileDurably(path, Buffer.from(`${JSON.stringify(file, undefined, 2)}\n`))
}

/**
 * Reads what {@link writeMirrors} wrote; nothing if there is no file. Losing the file costs no download: blocks are found by their CIDs.
 *
 * @throws {StorageError} `CORRUPT`, `UNSUPPORTED_VERSION`, `IO_FAILED`
 */
export async function readMirrors(path: string): Promise<readonly MirrorRecord[]> {
  const bytes = await readFileIfExists(path)
  if (bytes === undefined) return []
  const corrupt = (reason: string, cause?: unknown): StorageError => new StorageError({ code: 'CORRUPT', path, reason }, { cause })
  let file: unknown
  try {
    file = JSON.parse(Buffer.from(bytes).toString())
  } catch (cause) {
    throw corrupt('not JSON', cause)
  }
  if (!isObject(file) || file['what'] !== WHAT || typeof file['version'] !== 'number') throw corrupt('not a list of mirrors')
  if (file['version'] !== VERSION) throw new StorageError({ code: 'UNSUPPORTED_VERSION', path, found: file['version'], supported: VERSION })
  const { mirrors } = file
  if (!Array.isArray(mirrors)) throw corrupt('not a list of mirrors')
  return mirrors.map((mirror: unknown) => {
    const record = readRecord(mirror)
    if (record === undefined) throw corrupt('a mirror lacks a field')
    return record
  })
}

function readRecord(json: unknown): MirrorRecord | undefined {
  if (!isObject(json)) return undefined
  const { cid, ledger, height, bytes, complete, lastUsedAt, channels } = json
  if (typeof cid !== 'string' || typeof ledger !== 'string' || typeof complete !== 'boolean') return undefined
  if (!isCount(height) || !isCount(bytes) || !isCount(lastUsedAt)) return undefined
  if (!Array.isArray(channels) || !channels.every((channel) => typeof channel === 'string')) return undefined
  const parsed = manifestCid(cid)
  return parsed && { cid: parsed, ledger, height, bytes, complete, lastUsedAt, channels }
}

function manifestCid(text: string): CID | undefined {
  try {
    const cid = parseCid(text)
    return isPageCid(cid) ? cid : undefined
  } catch {
    return undefined
  }
}

function isObject(json: unknown): json is Readonly<Record<string, unknown>> {
  return typeof json === 'object' && json !== null && !Array.isArray(json)
}

function isCount(json: unknown): json is number {
  return Number.isSafeInteger(json) && (json as number) >= 0
}
