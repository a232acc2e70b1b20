import { type FileHandle, open } from 'node:fs/promises'
import { constants } from 'node:fs'
import { type ChunkingParameters, cutChunk } from '@cairn/protocol'
import { OriginError } from '../errors.ts'
import { READ_BYTES } from '../limits.ts'

/**
 * Cuts the file at `path` into content-defined chunks, reading it once.
 *
 * Each chunk is a view of a buffer that is not written again. `bytes` is the length that the walk found: a file that has
 * grown or shrunk since then is refused, since nobody can tell which of its versions is meant.
 *
 * @throws {OriginError} `SOURCE_CHANGED`
 */
export async function* chunksOfFile(path: string, bytes: number, chunking: ChunkingParameters): AsyncGenerator<Uint8Array<ArrayBuffer>> {
  // The last component must not have become a link since the walk saw a file.
  await using file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW)
  const before = await file.stat()
  if (before.size !== bytes) throw new OriginError({ code: 'SOURCE_CHANGED', path })
  let rest: Uint8Array<ArrayBuffer> = new Uint8Array(0)
  let readBytes = 0
  while (readBytes < bytes || rest.byteLength > 0) {
    const wanted = Math.min(READ_BYTES - rest.byteLength, bytes - readBytes)
    const buffer = new Uint8Array(rest.byteLength + wanted)
    buffer.set(rest)
    await readFully(file, buffer, rest.byteLength, readBytes, path)
    readBytes += wanted
    let start = 0
    while (start < buffer.byteLength && (readBytes === bytes || buffer.byteLength - start >= chunking.bytesMax)) {
      const end = cutChunk(buffer, start, buffer.byteLength, chunking)
      yield buffer.subarray(start, end)
      start = end
    }
    rest = buffer.subarray(start)
  }
  const after = await file.stat()
  if (after.size !== before.size || after.mtimeMs !== before.mtimeMs) throw new OriginError({ code: 'SOURCE_CHANGED', path })
}

async function readFully(file: FileHandle, buffer: Uint8Array, from: number, position: number, path: string): Promise<void> {
  let at = from
  while (at < buffer.byteLength) {
    const { bytesRead } = await file.read(buffer, at, buffer.byteLength - at, position + at - from)
    if (bytesRead === 0) throw new OriginError({ code: 'SOURCE_CHANGED', path })
    at += bytesRead
  }
}
