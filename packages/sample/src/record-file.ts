import { type FileHandle, open } from 'node:fs/promises'
import { type Random, randomBelow, seededRandom } from '@cairn/runtime'
import { fillRandom } from './fill.ts'

/** A record: its number (8 bytes), 8 zeros, a value of noise, and zeros to the end, as padded rows have them. */
export const RECORD_BYTES = 128
const VALUE_AT = 16
/** Of a record, what an update replaces. It does not compress, so nothing that carries an update is smaller. */
export const RECORD_VALUE_BYTES = 64

/** `scattered`: each changed record anywhere. `clustered`: in runs of 1 MiB, spread over the file. */
export type RecordLayout = 'scattered' | 'clustered'

/** 1 MiB. */
const RUN_RECORDS = 8192
const BLOCK_RECORDS = 8192

export interface GenerateRecordFileInit {
  readonly path: string
  /** Rounded down to whole records. */
  readonly bytes: number
  readonly seed: number | string
}

/** Writes one file of records, the same for the same init. */
export async function generateRecordFile({ path, bytes, seed }: GenerateRecordFileInit): Promise<void> {
  const random = seededRandom(`records/${seed}`)
  const count = Math.floor(bytes / RECORD_BYTES)
  await using file = await open(path, 'w')
  for (let first = 0; first < count; first += BLOCK_RECORDS) {
    const records = Math.min(BLOCK_RECORDS, count - first)
    const block = Buffer.alloc(records * RECORD_BYTES)
    for (let index = 0; index < records; index++) {
      block.writeBigUInt64BE(BigInt(first + index), index * RECORD_BYTES)
      writeValue(block, index, random)
    }
    await file.writeFile(block)
  }
}

export interface UpdateRecordFileInit {
  readonly path: string
  readonly seed: number | string
  /** Of all records; at least one is changed. */
  readonly share: number
  readonly layout: RecordLayout
}

/** Gives a share of the records of the file new values, in place; returns how many. The same init changes the same file the same way. */
export async function updateRecordFile({ path, seed, share, layout }: UpdateRecordFileInit): Promise<number> {
  const random = seededRandom(`records/${seed}/${layout}/${share}`)
  await using file = await open(path, 'r+')
  const count = Math.floor((await file.stat()).size / RECORD_BYTES)
  const wanted = Math.max(1, Math.round(count * share))
  const chosen = layout === 'scattered' ? scattered(random, count, wanted) : clustered(random, count, wanted)
  let block: Block | undefined
  for (const record of chosen) {
    const first = record - (record % BLOCK_RECORDS)
    if (block?.first !== first) {
      await block?.write()
      block = await Block.read(file, first, Math.min(BLOCK_RECORDS, count - first))
    }
    writeValue(block.bytes, record - first, random)
  }
  await block?.write()
  return wanted
}

/** Records that are read and written together. */
class Block {
  readonly first: number
  readonly bytes: Buffer
  readonly #file: FileHandle

  static async read(file: FileHandle, first: number, records: number): Promise<Block> {
    const bytes = Buffer.alloc(records * RECORD_BYTES)
    await file.read(bytes, 0, bytes.length, first * RECORD_BYTES)
    return new Block(file, first, bytes)
  }

  private constructor(file: FileHandle, first: number, bytes: Buffer) {
    this.#file = file
    this.first = first
    this.bytes = bytes
  }

  async write(): Promise<void> {
    await this.#file.write(this.bytes, 0, this.bytes.length, this.first * RECORD_BYTES)
  }
}

/** `wanted` of `count`, ascending, every choice as likely as any other (Knuth, algorithm S). */
function* scattered(random: Random, count: number, wanted: number): Generator<number> {
  let missing = wanted
  for (let record = 0; missing > 0; record++) {
    if (randomBelow(random, count - record) >= missing) continue
    yield record
    missing--
  }
}

/** One run in each of equal parts of the file, somewhere in it. */
function* clustered(random: Random, count: number, wanted: number): Generator<number> {
  const runs = Math.ceil(wanted / RUN_RECORDS)
  for (let run = 0; run < runs; run++) {
    const partStart = Math.floor((count * run) / runs)
    const partEnd = Math.floor((count * (run + 1)) / runs)
    const length = Math.floor((wanted * (run + 1)) / runs) - Math.floor((wanted * run) / runs)
    const start = partStart + randomBelow(random, partEnd - partStart - length + 1)
    for (let record = start; record < start + length; record++) yield record
  }
}

function writeValue(block: Buffer, index: number, random: Random): void {
  const at = index * RECORD_BYTES + VALUE_AT
  fillRandom(random, block, at, at + RECORD_VALUE_BYTES)
}
