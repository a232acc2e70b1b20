import { mkdir } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import {
  CHUNK_BYTES_MAX,
  type CID,
  decodeFrame,
  decodeSketchTable,
  encodeSketchTable,
  ProtocolError,
  sketchChunk,
  type SketchTable,
  SketchTableBuilder,
  type SnapshotIndex,
} from '@cairn/protocol'
import { type BlockSource, readFileIfExists, writeFileDurably } from '@cairn/storage'
import { readFrame } from './read-frame.ts'

/** The sketches of a workspace's snapshots, a file for each. */
export class Sketches {
  readonly #path: string

  constructor(path: string) {
    this.#path = path
  }

  /** @throws {StorageError} `NO_SPACE`, `IO_FAILED` */
  async put(snapshot: CID, table: SketchTable): Promise<void> {
    const path = this.#pathOf(snapshot)
    await mkdir(dirname(path), { recursive: true })
    await writeFileDurably(path, encodeSketchTable(snapshot, table))
  }

  /**
   * The sketches of `index`, from their file or, where that is missing or damaged, from the chunks in `source`.
   *
   * @throws {StorageError} `NO_SPACE`, `IO_FAILED`
   */
  async get(index: SnapshotIndex, source: BlockSource): Promise<SketchTable> {
    const bytes = await readFileIfExists(this.#pathOf(index.cid))
    try {
      if (bytes !== undefined) return decodeSketchTable(index.cid, index.chunksCount, bytes)
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error
    }
    const { table, isWhole } = await sketchAll(index, source)
    if (isWhole) await this.put(index.cid, table)
    return table
  }

  #pathOf(snapshot: CID): string {
    return join(this.#path, `${snapshot.toString()}.sketches`)
  }
}

/** For snapshots published before there were sketches. A chunk that cannot be read has nothing in common with any. */
async function sketchAll(index: SnapshotIndex, source: BlockSource): Promise<{ readonly table: SketchTable; readonly isWhole: boolean }> {
  const builder = new SketchTableBuilder()
  let isWhole = true
  for (let chunk = 0; chunk < index.chunksCount; chunk++) {
    const frame = await readFrame(source, index.chunkCid(chunk))
    isWhole &&= frame !== undefined
    const plain = frame === undefined ? new Uint8Array() : decodeFrame(frame, CHUNK_BYTES_MAX)
    builder.add(chunk, sketchChunk(plain, index.root.chunking))
  }
  return { table: builder.finish(), isWhole }
}
