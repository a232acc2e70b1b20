import { open } from 'node:fs/promises'
import { type Random, randomBelow, seededRandom } from '@cairn/runtime'
import { fillRandom } from './fill.ts'

export interface GenerateFlatFileInit {
  readonly path: string
  /** Bytes of version 1, exactly. */
  readonly bytes: number
  readonly seed: number | string
  /** Version 2 is version 1 with runs of bytes put in between. */
  readonly version: 1 | 2
  /** Number of runs that version 2 puts in, at places spread over the file; each of 1 to `insertionBytesMax` bytes. */
  readonly insertions: number
  /** 100 unless given. */
  readonly insertionBytesMax?: number
}

/** One run of bytes that version 2 has and version 1 has not. */
export interface Insertion {
  /** Offset in version 1 before which the run is put. */
  readonly offset: number
  readonly bytes: Buffer
}

const BLOCK_BYTES = 64 * 1024
const INSERTION_BYTES_MAX_USUAL = 100

/** Writes one flat file, such as an archive of blocks, about half of it compressible; returns what version 2 put in, ascending. */
export async function generateFlatFile(init: GenerateFlatFileInit): Promise<readonly Insertion[]> {
  const insertions = init.version === 2 ? planInsertions(init) : []
  const content = seededRandom(`flat/${init.seed}/content`)
  await using file = await open(init.path, 'w')
  let next = 0
  for (let start = 0; start < init.bytes; start += BLOCK_BYTES) {
    const block = contentBlock(content, Math.min(BLOCK_BYTES, init.bytes - start))
    let written = 0
    for (; next < insertions.length && insertions[next]!.offset < start + block.length; next++) {
      const { offset, bytes } = insertions[next]!
      await file.writeFile(block.subarray(written, offset - start))
      await file.writeFile(bytes)
      written = offset - start
    }
    await file.writeFile(block.subarray(written))
  }
  return insertions
}

function planInsertions(init: GenerateFlatFileInit): Insertion[] {
  const { insertionBytesMax = INSERTION_BYTES_MAX_USUAL } = init
  const random = seededRandom(`flat/${init.seed}/insertions`)
  return Array.from({ length: init.insertions }, () => {
    const bytes = Buffer.alloc(1 + randomBelow(random, insertionBytesMax))
    fillRandom(random, bytes, 0, bytes.length)
    return { offset: randomBelow(random, init.bytes), bytes }
  }).sort((a, b) => a.offset - b.offset)
}

/** Records of 64 bytes: noise first, then zeros. */
function contentBlock(random: Random, bytes: number): Buffer {
  const block = Buffer.alloc(bytes)
  for (let at = 0; at < bytes; at += 64) fillRandom(random, block, at, Math.min(bytes, at + 36))
  return block
}
