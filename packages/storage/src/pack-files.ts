import { type FileHandle, mkdir, open, readdir, rm, stat, truncate } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { PackedAt } from './block-index.ts'
import { syncDirectory } from './durable-file.ts'
import { HandleCache } from './handle-cache.ts'
import { isSystemError, storageErrorOf } from './io-error.ts'
import { decodeRecordHeader, PACK_MAGIC, type PackedFrame, RECORD_HEADER_BYTES } from './pack-format.ts'

/** Packs kept open to be read: 1 GiB of frames; asking for an open file is a third of reading from it. */
const OPEN_MAX = 32

const NAME = /^(\d{8,})\.pack$/

/**
 * Packs of a block store: files of many frames each, `packs/<number>.pack`, which a thread fills with a `PackWriter`.
 *
 * A frame of its own file costs the making of a file and a sync; in a pack it costs neither. Numbers are not used twice.
 */
export class PackFiles {
  readonly #root: string
  readonly #handles = new HandleCache(OPEN_MAX, (pack) => open(this.pathOf(pack), 'r'))

  constructor(root: string) {
    this.#root = root
  }

  pathOf(pack: number): string {
    return join(this.#root, `${String(pack).padStart(8, '0')}.pack`)
  }

  /** Makes room for the first pack. */
  async create(): Promise<void> {
    await mkdir(this.#root, { recursive: true }).catch((cause: unknown) => {
      throw storageErrorOf(cause, this.#root)
    })
  }

  /** The packs that are there, ascending. */
  async list(): Promise<readonly number[]> {
    try {
      const numbers = (await readdir(this.#root)).map((name) => Number(NAME.exec(name)?.[1] ?? Number.NaN))
      return numbers.filter((pack) => Number.isSafeInteger(pack)).sort((a, b) => a - b)
    } catch (cause) {
      if (isSystemError(cause, 'ENOENT')) return []
      throw storageErrorOf(cause, this.#root)
    }
  }

  /** Length of a pack, or `undefined` if it is gone. */
  async bytes(pack: number): Promise<number | undefined> {
    const path = this.pathOf(pack)
    try {
      return (await stat(path)).size
    } catch (cause) {
      if (isSystemError(cause, 'ENOENT')) return undefined
      throw storageErrorOf(cause, path)
    }
  }

  /** `bytes` bytes of a pack, fewer where it ends; `undefined` if it is gone. */
  async read({ pack, start }: PackedAt, bytes: number): Promise<Uint8Array | undefined> {
    const path = this.pathOf(pack)
    try {
      return await this.#handles.use(pack, (file) => readAt(file, start, bytes))
    } catch (cause) {
      if (isSystemError(cause, 'ENOENT')) return undefined
      throw storageErrorOf(cause, path)
    }
  }

  /** The records of a pack, from the one that begins at `from` (0: the first) to the end or to what is not a record. */
  async *records(pack: number, from: number): AsyncGenerator<PackedFrame & { readonly frame: Uint8Array }> {
    await using file = await open(this.pathOf(pack), 'r')
    if (from === 0 && Buffer.compare(await readAt(file, 0, PACK_MAGIC.byteLength), PACK_MAGIC) !== 0) return
    for (let offset = Math.max(from, PACK_MAGIC.byteLength); ;) {
      const record = decodeRecordHeader(await readAt(file, offset, RECORD_HEADER_BYTES), offset)
      if (record === undefined) return
      const frame = await readAt(file, record.start, record.bytes)
      if (frame.byteLength < record.bytes) return
      yield { ...record, frame }
      offset = record.start + record.bytes
    }
  }

  /** Cuts off what is behind the last frame. */
  async cut(pack: number, bytes: number): Promise<void> {
    const path = this.pathOf(pack)
    await truncate(path, bytes).catch((cause: unknown) => {
      throw storageErrorOf(cause, path)
    })
  }

  async remove(pack: number): Promise<void> {
    const path = this.pathOf(pack)
    await this.#handles.forget(pack)
    await rm(path, { force: true }).catch((cause: unknown) => {
      throw storageErrorOf(cause, path)
    })
  }

  /** Brings the content of a pack to the disk. Its name needs {@link syncNames}. */
  async sync(pack: number): Promise<void> {
    const path = this.pathOf(pack)
    try {
      await using file = await open(path, 'r')
      await file.datasync()
    } catch (cause) {
      if (!isSystemError(cause, 'ENOENT')) throw storageErrorOf(cause, path)
    }
  }

  /** Closes what was kept open to be read. */
  async close(): Promise<void> {
    await this.#handles.close()
  }

  async syncNames(): Promise<void> {
    try {
      await syncDirectory(this.#root)
      await syncDirectory(dirname(this.#root))
    } catch (cause) {
      throw storageErrorOf(cause, this.#root)
    }
  }
}

async function readAt(file: FileHandle, position: number, bytes: number): Promise<Buffer> {
  const buffer = Buffer.allocUnsafeSlow(bytes)
  let filled = 0
  while (filled < bytes) {
    const { bytesRead } = await file.read(buffer, filled, bytes - filled, position + filled)
    if (bytesRead === 0) break
    filled += bytesRead
  }
  return buffer.subarray(0, filled)
}
