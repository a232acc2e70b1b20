import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { mkdir, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { listFiles } from '../tree.ts'
import { type Bencodable, bencode } from './bencode.ts'

/** Of the torrent's directory; also the name of every site's. */
const NAME = 'state'
/** What libtorrent chooses for 256 MiB by itself. */
const PIECE_BYTES = 256 * 1024

export interface Torrent {
  readonly path: string
  /** Holds the files under the torrent's name, as a link to where they are. */
  readonly seedInto: string
}

/** Writes a torrent of version 1 (BEP 3) for all files of `root`; it has no tracker. */
export async function writeTorrent(root: string, directory: string): Promise<Torrent> {
  const files = await listFiles(root)
  const info: Bencodable = {
    name: NAME,
    'piece length': PIECE_BYTES,
    files: files.map(({ path, bytes }) => ({ path: path.split('/'), length: bytes })),
    pieces: await pieceDigests(
      files.map(({ path }) => join(root, path)),
      PIECE_BYTES,
    ),
  }
  const seedInto = join(directory, 'seed')
  await mkdir(seedInto)
  await symlink(root, join(seedInto, NAME))
  const path = join(directory, 'state.torrent')
  await writeFile(path, bencode({ info }))
  return { path, seedInto }
}

/** SHA-1 of every `pieceBytes` of all files laid end to end; 20 bytes each. */
export async function pieceDigests(paths: readonly string[], pieceBytes: number): Promise<Buffer> {
  const digests: Buffer[] = []
  let hash = createHash('sha1')
  let hashed = 0
  for (const path of paths) {
    for await (const part of createReadStream(path, { highWaterMark: pieceBytes })) {
      for (let rest = part as Buffer; rest.length > 0;) {
        const taken = rest.subarray(0, pieceBytes - hashed)
        hash.update(taken)
        hashed += taken.length
        rest = rest.subarray(taken.length)
        if (hashed < pieceBytes) continue
        digests.push(hash.digest())
        hash = createHash('sha1')
        hashed = 0
      }
    }
  }
  if (hashed > 0) digests.push(hash.digest())
  return Buffer.concat(digests)
}
