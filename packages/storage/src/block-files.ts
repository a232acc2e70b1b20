import { type FileHandle, mkdir, open, readdir, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { type CID, parseCid } from '@cairn/protocol'
import type { Blockstore } from 'interface-blockstore'
import { syncDirectory } from './durable-file.ts'
import { isSystemError, storageErrorOf } from './io-error.ts'

const EXTENSION = '.frame'

/**
 * `<shard>/<cid>.frame`. The last two base32 characters of a CID are exactly the last 8 bits of its digest: 256 even shards,
 * each with 4,000 files per 256 GiB of 256 KiB chunks.
 */
const sharding = {
  extension: EXTENSION,
  encode(cid: CID): { dir: string; file: string } {
    const text = cid.toString()
    return { dir: text.slice(-2), file: text + EXTENSION }
  },
  decode(path: string): CID {
    return parseCid(path.slice(path.lastIndexOf('/') + 1, -EXTENSION.length))
  },
}

/**
 * The frames of a block store as files, one each, written by blockstore-fs.
 *
 * What its version 4 leaves to us: no fsync ({@link sync}), a fixed temporary name per CID (callers write one CID at a time),
 * a temporary file that stays after a failed write, errors reduced to their text, and reads in pieces of 64 KiB.
 */
export class BlockFiles {
  readonly #root: string
  #blocks: Pick<Blockstore, 'put'> | undefined

  /** `blocks` writes `<root>/<shard>/<cid>.frame`; only tests pass their own. */
  constructor(root: string, blocks?: Pick<Blockstore, 'put'>) {
    this.#root = root
    this.#blocks = blocks
  }

  pathOf(cid: CID): string {
    const { dir, file } = sharding.encode(cid)
    return join(this.#root, dir, file)
  }

  /**
   * Writes a frame under a temporary name and renames it, so that a file is whole whenever it is there.
   *
   * @throws {StorageError} `NO_SPACE`, `IO_FAILED`; nothing of the block remains
   */
  async write(cid: CID, frame: Uint8Array): Promise<void> {
    try {
      const blocks = await this.#writer()
      await blocks.put(cid, frame)
    } catch (cause) {
      const { dir, file } = sharding.encode(cid)
      await rm(join(this.#root, dir, temporaryName(file)), { force: true }).catch(() => undefined)
      throw storageErrorOf(cause, this.pathOf(cid), frame.byteLength)
    }
  }

  /** Loaded when the first block is written: it brings a file finder along, which takes longer to load than a small store to open. */
  async #writer(): Promise<Pick<Blockstore, 'put'>> {
    if (this.#blocks !== undefined) return this.#blocks
    const { FsBlockstore } = await import('blockstore-fs')
    return (this.#blocks ??= new FsBlockstore(this.#root, { shardingStrategy: sharding }))
  }

  /** The file's content, or `undefined` if it is gone. `bytes` is the length to expect; one more is read to notice a longer file. */
  async read(cid: CID, bytes: number): Promise<Uint8Array | undefined> {
    let file: FileHandle | undefined
    try {
      file = await open(this.pathOf(cid), 'r')
      const buffer = Buffer.allocUnsafeSlow(bytes + 1)
      let filled = 0
      for (;;) {
        const { bytesRead } = await file.read(buffer, filled, buffer.byteLength - filled, filled)
        filled += bytesRead
        if (bytesRead === 0 || filled === buffer.byteLength) return buffer.subarray(0, filled)
      }
    } catch (cause) {
      if (isSystemError(cause, 'ENOENT')) return undefined
      throw storageErrorOf(cause, this.pathOf(cid))
    } finally {
      await file?.close()
    }
  }

  /** Length of the file, or `undefined` if it is gone. */
  async bytes(cid: CID): Promise<number | undefined> {
    try {
      return (await stat(this.pathOf(cid))).size
    } catch (cause) {
      if (isSystemError(cause, 'ENOENT')) return undefined
      throw storageErrorOf(cause, this.pathOf(cid))
    }
  }

  async remove(cid: CID): Promise<void> {
    const path = this.pathOf(cid)
    await rm(path, { force: true }).catch((cause: unknown) => {
      throw storageErrorOf(cause, path)
    })
  }

  /** Brings the content of one file to the disk; a file that is gone is fine. Its name needs {@link syncShards}. */
  async sync(cid: CID): Promise<void> {
    const path = this.pathOf(cid)
    try {
      await using file = await open(path, 'r')
      await file.datasync()
    } catch (cause) {
      if (!isSystemError(cause, 'ENOENT')) throw storageErrorOf(cause, path)
    }
  }

  /** Brings the names of `cids`' files to the disk. */
  async syncShards(cids: Iterable<CID>): Promise<void> {
    const shards = new Set(['.'])
    for (const cid of cids) shards.add(sharding.encode(cid).dir)
    for (const shard of shards) {
      const path = join(this.#root, shard)
      await syncDirectory(path).catch((cause: unknown) => {
        throw storageErrorOf(cause, path)
      })
    }
  }

  /** The blocks of each shard by name, and how many unfinished temporary files were removed from it. Creates the root. */
  async *scan(): AsyncGenerator<{ readonly cids: readonly CID[]; readonly removedCount: number }> {
    await mkdir(this.#root, { recursive: true })
    for (const shard of await readdir(this.#root, { withFileTypes: true })) {
      if (!shard.isDirectory()) continue
      const cids: CID[] = []
      let removedCount = 0
      for (const name of await readdir(join(this.#root, shard.name))) {
        const cid = cidOfName(name)
        if (cid !== undefined) cids.push(cid)
        else if (name.startsWith('.') && name.endsWith('.tmp')) {
          await rm(join(this.#root, shard.name, name), { force: true })
          removedCount++
        }
      }
      yield { cids, removedCount }
    }
  }
}

function cidOfName(name: string): CID | undefined {
  if (!name.endsWith(EXTENSION)) return undefined
  try {
    return sharding.decode(name)
  } catch {
    return undefined // not one of ours: left alone
  }
}

/** The name under which `steno`, inside blockstore-fs, writes before it renames. */
function temporaryName(file: string): string {
  return `.${file}.tmp`
}
