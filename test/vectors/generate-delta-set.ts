// Writes delta-set.json beside this file.
// Run it by hand, and only to approve a new format: `node test/vectors/generate-delta-set.ts`. Tests read what is there.
import { writeFileSync } from 'node:fs'
import { crc32 } from 'node:zlib'
import { pageCidFromDigest, sha256 } from '@cairn/protocol'
import { type DeltaRow, encodeDeltaSetEnd, encodeDeltaSetHeader } from '../../packages/storage/src/deltas/delta-set-codec.ts'

const [from, to] = ['v1', 'v2'].map((name) => pageCidFromDigest(sha256(Buffer.from(name))))
const header = encodeDeltaSetHeader({ from: from!, to: to! })
const frames = [5, 2].map((chunk) => Buffer.alloc(3, chunk))
const rows = frames.map(
  (frame, i): DeltaRow => ({
    chunk: frame[0]!,
    digest: sha256(Uint8Array.of(frame[0]!)),
    offset: header.byteLength + 3 * i,
    bytes: 3,
    checksum: crc32(frame),
  }),
)
const tableOffset = header.byteLength + 6
const fileOf = (changed: readonly DeltaRow[], offset = tableOffset): Buffer =>
  Buffer.concat([header, ...frames, encodeDeltaSetEnd(changed, offset)])
const file = fileOf(rows)
const changed = (at: number, byte: number): Buffer => {
  const bytes = Buffer.from(file)
  bytes[at < 0 ? bytes.byteLength + at : at] = byte
  return bytes
}
const refused: readonly (readonly [name: string, file: Buffer])[] = [
  ['nothing', Buffer.alloc(0)],
  ['only a header', Buffer.from(header)],
  ['another kind of file', changed(0, 0)],
  ['version 1', changed(8, 1)],
  ['a byte short', file.subarray(0, -1)],
  ['a byte long', Buffer.concat([file, Buffer.alloc(1)])],
  ['a digest changed', changed(tableOffset + 20, 0xff)],
  ['its table elsewhere', fileOf(rows, tableOffset - 1)],
  ['a delta in the header', fileOf([{ ...rows[0]!, offset: header.byteLength - 1 }, rows[1]!])],
  ['a delta in the table', fileOf([{ ...rows[0]!, offset: tableOffset - 2 }, rows[1]!])],
  ['a delta of no bytes', fileOf([{ ...rows[0]!, bytes: 0 }, rows[1]!])],
  ['the same chunk twice', fileOf([rows[0]!, { ...rows[1]!, chunk: 5 }])],
]
const vectors = {
  from: from!.toString(),
  to: to!.toString(),
  file: file.toString('hex'),
  refused: refused.map(([name, bytes]) => ({ name, file: bytes.toString('hex') })),
}
writeFileSync(new URL('delta-set.json', import.meta.url), `${JSON.stringify(vectors, undefined, 2)}\n`)
