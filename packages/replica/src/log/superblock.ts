import { ReplicaError } from '../errors.ts'
import { crc32c } from './crc32c.ts'
import type { LogFile, LogFiles } from './log-files.ts'

/** What a replica must know before it reads anything else, and change in one step. */
export interface SuperblockContent {
  /** What checksums of the log begin with. u32. */
  readonly salt: number
  /** The first record of the log that is still needed: those before it may be gone. */
  readonly keepFrom: number
  /** A record that was durable when this was written: a log that ends before it has lost something. 0 for none. */
  readonly durable: number
  /** What the role keeps here: the installed snapshot, the epoch. At most {@link ANCHOR_BYTES_MAX}. */
  readonly anchor: Uint8Array
}

const SUPERBLOCK_NAME = 'superblock'

const MAGIC = Buffer.from('cairnsb', 'latin1')
const VERSION = 1
/** A copy has a page of its own: a write that is torn, or a page that dies, takes one of them. */
const COPY_BYTES = 4096
const FIXED_BYTES = 8 + 8 + 4 + 8 + 8 + 4
const ANCHOR_BYTES_MAX = COPY_BYTES - FIXED_BYTES - 4

/**
 * Two copies, of which the newer good one counts. A change is written over the older and synced, so until it is durable the other one stands;
 * then over the other one, so that afterwards either may be lost.
 */
export class Superblock {
  readonly #path: string
  readonly #file: LogFile
  #generation: number
  #content: SuperblockContent
  #writing: Promise<void> = Promise.resolve()

  private constructor(path: string, file: LogFile, generation: number, content: SuperblockContent) {
    this.#path = path
    this.#file = file
    this.#generation = generation
    this.#content = content
  }

  /**
   * Reads the superblock in `files`, or makes one with `salt` where there is nothing yet.
   * `path` names it in errors.
   *
   * @throws {ReplicaError} `SUPERBLOCK_CORRUPT` if no copy is good, `UNSUPPORTED_VERSION`, `LOG_FAILED`
   */
  static async open(files: LogFiles, path: string, salt: () => number): Promise<Superblock> {
    if (files.list().includes(SUPERBLOCK_NAME)) {
      const bytes = Buffer.from(files.read(SUPERBLOCK_NAME))
      const copies = [0, 1].map((copy) => decode(path, bytes.subarray(copy * COPY_BYTES, (copy + 1) * COPY_BYTES)))
      const [newest] = copies.filter((copy) => copy !== undefined).sort((a, b) => b.generation - a.generation)
      if (newest === undefined) throw new ReplicaError({ code: 'SUPERBLOCK_CORRUPT', path, reason: 'neither of its copies is good' })
      return new Superblock(path, files.open(SUPERBLOCK_NAME), newest.generation, newest.content)
    }
    const content: SuperblockContent = { salt: salt(), keepFrom: 1, durable: 0, anchor: new Uint8Array(0) }
    const temporary = `${SUPERBLOCK_NAME}.tmp`
    files.remove(temporary)
    const file = files.open(temporary)
    // Both copies from the start, so that a file with one good copy is one that was damaged or torn.
    file.write(encode(1, content), COPY_BYTES)
    file.write(encode(0, content), 0)
    await file.sync()
    files.rename(temporary, SUPERBLOCK_NAME)
    files.syncNames()
    return new Superblock(path, file, 1, content)
  }

  get content(): SuperblockContent {
    return this.#content
  }

  /** Replaces part of the content; resolves when that is durable. @throws {ReplicaError} `LOG_FAILED`, `ENTRY_TOO_LARGE` */
  write(changes: Partial<Omit<SuperblockContent, 'salt'>>): Promise<void> {
    const anchorBytes = changes.anchor?.byteLength ?? 0
    if (anchorBytes > ANCHOR_BYTES_MAX) {
      return Promise.reject(new ReplicaError({ code: 'ENTRY_TOO_LARGE', bytes: anchorBytes, bytesMax: ANCHOR_BYTES_MAX }))
    }
    this.#writing = this.#replace(this.#writing, changes)
    return this.#writing
  }

  close(): void {
    this.#file.close()
  }

  async #replace(before: Promise<void>, changes: Partial<SuperblockContent>): Promise<void> {
    await before
    const content = { ...this.#content, ...changes }
    try {
      // One after the other: at any time one of them is good, and in the end both say the same.
      for (const generation of [this.#generation + 1, this.#generation + 2]) {
        this.#file.write(encode(generation, content), (generation % 2) * COPY_BYTES)
        await this.#file.sync()
      }
    } catch (cause) {
      throw new ReplicaError({ code: 'LOG_FAILED', path: this.#path, reason: String(cause) }, { cause })
    }
    this.#generation += 2
    this.#content = content
  }
}

/** magic 7 | version u8 | generation u64 | salt u32 | keepFrom u64 | durable u64 | anchor length u32 | anchor | zeros | crc32c u32. */
function encode(generation: number, { salt, keepFrom, durable, anchor }: SuperblockContent): Uint8Array {
  const bytes = Buffer.alloc(COPY_BYTES)
  bytes.set(MAGIC)
  bytes.writeUInt8(VERSION, 7)
  bytes.writeBigUInt64BE(BigInt(generation), 8)
  bytes.writeUInt32BE(salt, 16)
  bytes.writeBigUInt64BE(BigInt(keepFrom), 20)
  bytes.writeBigUInt64BE(BigInt(durable), 28)
  bytes.writeUInt32BE(anchor.byteLength, 36)
  bytes.set(anchor, FIXED_BYTES)
  bytes.writeUInt32BE(crc32c(bytes.subarray(0, COPY_BYTES - 4)), COPY_BYTES - 4)
  return bytes
}

function decode(path: string, bytes: Buffer): { readonly generation: number; readonly content: SuperblockContent } | undefined {
  if (bytes.byteLength < COPY_BYTES || !bytes.subarray(0, 7).equals(MAGIC)) return undefined
  if (bytes.readUInt32BE(COPY_BYTES - 4) !== crc32c(bytes.subarray(0, COPY_BYTES - 4))) return undefined
  const version = bytes.readUInt8(7)
  if (version !== VERSION) throw new ReplicaError({ code: 'UNSUPPORTED_VERSION', path, found: version, supported: VERSION })
  const anchorBytes = bytes.readUInt32BE(36)
  if (anchorBytes > ANCHOR_BYTES_MAX) return undefined
  return {
    generation: Number(bytes.readBigUInt64BE(8)),
    content: {
      salt: bytes.readUInt32BE(16),
      keepFrom: Number(bytes.readBigUInt64BE(20)),
      durable: Number(bytes.readBigUInt64BE(28)),
      anchor: new Uint8Array(bytes.subarray(FIXED_BYTES, FIXED_BYTES + anchorBytes)),
    },
  }
}
