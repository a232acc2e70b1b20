// Writes cid.json, chunking.json, frame.json, delta.json, bitmap.json, merkle.json and sketch.json beside this file.
// Run it by hand, and only to approve a new format: `node test/vectors/generate-basics.ts`. Tests read what is there.
import { writeFileSync } from 'node:fs'
import { constants, zstdCompressSync } from 'node:zlib'
import {
  Bitmap,
  chunkCid,
  CHUNKING,
  type ChunkingProfile,
  consistencyProof,
  cutPoints,
  type DeltaBase,
  type DeltaPiece,
  encodeDelta,
  encodeFrame,
  gearTable,
  inclusionProof,
  leafHash,
  merkleRoot,
  pageCid,
  sha256,
  encodeSketchTable,
  sketchChunk,
} from '@cairn/protocol'
import { xorshift } from '../../packages/protocol/test/xorshift.ts'

const KIB = 1024
const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex')
const text = (value: string): Uint8Array => new TextEncoder().encode(value)

write('cid', cidVectors())
write('chunking', chunkingVectors())
write('frame', frameVectors())
write('delta', deltaVectors())
write('bitmap', bitmapVectors())
write('merkle', merkleVectors())
write('sketch', sketchVectors())

function cidVectors(): object {
  const blocks = { empty: new Uint8Array(), hello: text('hello world'), 'an empty map of DAG-CBOR': Uint8Array.of(0xa0) }
  const accepted = Object.entries(blocks).flatMap(([name, plain]) =>
    (['chunk', 'page'] as const).map((kind) => {
      const cid = kind === 'page' ? pageCid(plain) : chunkCid(sha256(plain))
      return { name: `${kind}, ${name}`, kind, plain: hex(plain), cid: hex(cid.bytes), text: cid.toString() }
    }),
  )
  const cid = chunkCid(sha256(text('hello world')))
  const bytes = hex(cid.bytes)
  return {
    accepted,
    refused: [
      { name: 'nothing', hex: '' },
      { name: 'one byte short', hex: bytes.slice(0, -2) },
      { name: 'one byte long', hex: `${bytes}00` },
      { name: 'version 0', hex: `00${bytes.slice(2)}` },
      { name: 'version 2', hex: `02${bytes.slice(2)}` },
      { name: 'codec dag-pb', hex: `0170${bytes.slice(4)}` },
      { name: 'hash blake3', hex: `01551e${bytes.slice(6)}` },
      { name: 'digest of 31 bytes, with one more after it', hex: `0155121f${bytes.slice(8)}` },
      { name: 'codec in two bytes', hex: `01d50012${bytes.slice(6)}` },
      { name: 'bare multihash, as in version 0', hex: bytes.slice(4) },
    ],
    refusedText: [
      { name: 'nothing', text: '' },
      { name: 'base32 in capitals', text: cid.toString().toUpperCase() },
      { name: 'base58', text: 'zb2rhj7crUKTQYRGCRATFaQ6YFLTde2YzdqbbhAASkL9uRDXn' },
      { name: 'version 0', text: 'QmYwAPJzv5CZsnA625s3Xf2nemtYgPpHdWEz79ojWnPbdG' },
      { name: 'trailing space', text: `${cid.toString()} ` },
      { name: 'cut off', text: cid.toString().slice(0, -1) },
      { name: 'a path', text: `/ipfs/${cid.toString()}` },
    ],
  }
}

function chunkingVectors(): object {
  const gear = Buffer.alloc(4 * 256)
  for (const [index, word] of gearTable().entries()) gear.writeUInt32BE(word, 4 * index)
  const file = (name: string, profile: ChunkingProfile, seed: number, bytes: number): object => {
    const content = seed === 0 ? new Uint8Array(bytes) : xorshift(seed, bytes)
    return { name, profile, seed, bytes, ends: cutPoints(content, CHUNKING[profile]) }
  }
  return {
    gear: { first: [...gearTable().subarray(0, 4)], sha256: hex(sha256(gear)) },
    files: [
      file('edge', 'edge', 1, 2048 * KIB),
      file('balanced', 'balanced', 2, 8192 * KIB),
      file('bulk', 'bulk', 3, 24_576 * KIB),
      file('a file of zeros', 'edge', 0, 1000 * KIB),
      file('a file of the smallest chunk', 'balanced', 4, 64 * KIB),
      file('a file of one word more', 'balanced', 4, 64 * KIB + 4),
    ],
  }
}

function frameVectors(): object {
  const sentence = text('Cairn lets the nodes of a ledger leave verified snapshots of its state for the nodes that join later. ')
  const repeated = Buffer.concat(Array.from({ length: 4 }, () => sentence))
  const accepted = Object.entries({
    'empty, plain': new Uint8Array(),
    'short, plain': text('hello world'),
    'noise, plain': xorshift(1, 64),
    'one content size byte, zstd': new Uint8Array(255),
    'two content size bytes, zstd': new Uint8Array(256),
    'repeated text, zstd': repeated,
  }).map(([name, plain]) => ({ name, plain: hex(plain), frame: hex(encodeFrame(plain)) }))

  const zstd = hex(encodeFrame(repeated).subarray(1))
  const checksum = zstdCompressSync(repeated, { params: { [constants.ZSTD_c_checksumFlag]: 1 } })
  const unsized = zstdCompressSync(repeated, { params: { [constants.ZSTD_c_contentSizeFlag]: 0 } })
  const max = repeated.byteLength
  const cases: [name: string, code: string, plainBytesMax: number, frame: string][] = [
    ['nothing', 'MALFORMED', max, ''],
    ['encoding 2', 'MALFORMED', max, '0268656c6c6f'],
    ['plain, one byte above the bound', 'TOO_LARGE', 4, '0068656c6c6f'],
    ['zstd, one byte above the bound', 'TOO_LARGE', max - 1, `01${zstd}`],
    ['zstd, empty', 'MALFORMED', max, '01'],
    ['zstd, cut off', 'MALFORMED', max, `01${zstd.slice(0, -2)}`],
    ['zstd, followed by a byte', 'MALFORMED', max, `01${zstd}00`],
    ['zstd, twice', 'MALFORMED', max, `01${zstd}${zstd}`],
    ['zstd after a skippable frame', 'MALFORMED', max, `01502a4d1801000000aa${zstd}`],
    ['zstd with a checksum', 'MALFORMED', max, `01${hex(checksum)}`],
    ['zstd without a content size', 'MALFORMED', max, `01${hex(unsized)}`],
    ['zstd with a dictionary id', 'MALFORMED', max, '0128b52ffd21070a530000000000'],
    ['zstd with a content size of 8 bytes', 'MALFORMED', max, '0128b52ffde0640000000000000053030000'],
    ['zstd with a window of 4.5 MiB', 'MALFORMED', max, '0128b52ffd80616400000023030061'],
    ['zstd of 4 GiB', 'TOO_LARGE', 4096 * KIB, '0128b52ffda0ffffffff03000161'],
    ['zstd that promises 100 bytes and holds 101', 'MALFORMED', 200, '0128b52ffd20642b030061'],
    ['zstd that promises 100 bytes and holds 99', 'MALFORMED', 200, '0128b52ffd20641b030061'],
    ['zstd with a reserved block', 'MALFORMED', 200, '0128b52ffd2064270300'],
    ['zstd of ten bytes that saves nothing', 'MALFORMED', max, '0128b52ffd200a53000061'],
    ['zstd with a cut off content size', 'MALFORMED', max, '0128b52ffd8060000000'],
  ]
  return { accepted, refused: cases.map(([name, code, plainBytesMax, frame]) => ({ name, code, plainBytesMax, frame })) }
}

function deltaVectors(): object {
  const baseOf = (plain: Uint8Array): DeltaBase => ({ digest: sha256(plain), plain })
  const bases = [1, 2, 3, 4, 6, 7, 8, 9].map((seed) => baseOf(xorshift(seed, 256)))
  const [first] = bases
  const whole: DeltaPiece[] = [{ base: 0, offset: 0, bytes: 256 }]
  const trained = baseOf(Buffer.concat([Buffer.from('37a430ec01000000', 'hex'), xorshift(5, 248)]))
  const changed = xorshift(1, 256).with(100, 7)
  const parts = bases.map((_, base): DeltaPiece => ({ base, offset: base * 16, bytes: 128 }))
  const shuffled = parts.flatMap((part): DeltaPiece[] => [part, { base: 7 - part.base, offset: 255, bytes: 1 }])
  const contentOf = (pieces: readonly DeltaPiece[]): Uint8Array =>
    Buffer.concat(pieces.map(({ base, offset, bytes }) => bases[base]!.plain.subarray(offset, offset + bytes)))
  const accepted: [name: string, plain: Uint8Array, bases: readonly DeltaBase[], pieces: readonly DeltaPiece[]][] = [
    ['one base, one byte changed', changed, [first!], whole],
    ['eight bases, a part of each', contentOf(parts), bases, parts],
    ['two pieces of each base', contentOf(shuffled), bases, shuffled],
    ['a base that begins like a trained dictionary', trained.plain.with(200, 1), [trained], whole],
    ['the last byte of a base', changed, [first!], [{ base: 0, offset: 255, bytes: 1 }, ...whole]],
  ]
  const delta = hex(encodeDelta(changed, [first!], whole))
  const digests = bases.map(({ digest }) => hex(digest))
  const piece = '00000000000100'
  const zstd = delta.slice(2 * (4 + 32 + 7))
  const head = `03010001${digests[0]}${piece}`
  const manyBases = Array.from({ length: 65 }, (_, seed) => hex(sha256(Uint8Array.of(seed))))
  const refused: [name: string, code: string, basesCount: number, plainBytesMax: number, frame: string][] = [
    ['no base', 'MALFORMED', 0, 256, `03000001${piece}${zstd}`],
    ['no piece', 'MALFORMED', 1, 256, `03010000${digests[0]}${zstd}`],
    ['65 bases', 'MALFORMED', 8, 256, `03410041${manyBases.join('')}${manyBases.map((_, at) => `${hex(Uint8Array.of(at))}${piece.slice(2)}`).join('')}${zstd}`],
    ['257 pieces', 'MALFORMED', 1, 256, `03010101${digests[0]}${piece.repeat(257)}${zstd}`],
    ['the same base twice', 'MALFORMED', 2, 256, `03020002${digests[0]}${digests[0]}${piece}01${piece.slice(2)}${zstd}`],
    ['a base that no piece is of', 'MALFORMED', 2, 256, `03020001${digests[0]}${digests[1]}${piece}${zstd}`],
    ['a piece of a base that is not named', 'MALFORMED', 1, 256, `03010001${digests[0]}01${piece.slice(2)}${zstd}`],
    ['a piece of no bytes', 'MALFORMED', 1, 256, `03010001${digests[0]}00000000000000${zstd}`],
    ['a piece that ends one byte after its base', 'MALFORMED', 1, 256, `03010001${digests[0]}00000001000100${zstd}`],
    ['pieces of 8 MiB and a byte', 'MALFORMED', 1, 256, `03010003${digests[0]}${'00000000400000'.repeat(2)}00000000000001${zstd}`],
    ['only its first byte', 'MALFORMED', 1, 256, '03'],
    ['a digest cut off', 'MALFORMED', 1, 256, `03010001${digests[0]!.slice(2)}`],
    ['a piece cut off', 'MALFORMED', 1, 256, `03010001${digests[0]}${piece.slice(2)}`],
    ['no payload', 'MALFORMED', 1, 256, head],
    ['another encoding', 'MALFORMED', 1, 256, `01${delta.slice(2)}`],
    ['the encoding of whole bases', 'MALFORMED', 1, 256, `0201${digests[0]}${zstd}`],
    ['one byte above the bound', 'TOO_LARGE', 1, 255, delta],
    ['followed by a byte', 'MALFORMED', 1, 256, `${delta}00`],
    ['cut off', 'MALFORMED', 1, 256, delta.slice(0, -2)],
    ['with a dictionary id', 'MALFORMED', 1, 256, `${head}28b52ffd61070000000100${zstd.slice(14)}`],
    ['longer than the plain bytes', 'MALFORMED', 1, 256, `${head}28b52ffd200a530000`],
    ['of 4 GiB', 'TOO_LARGE', 1, 4096 * KIB, `${head}28b52ffda0ffffffff03000161`],
  ]
  return {
    bases: bases.map(({ plain }) => hex(plain)),
    accepted: accepted.map(([name, plain, from, pieces]) => ({
      name,
      bases: from.map((base) => hex(base.plain)),
      pieces,
      plain: hex(plain),
      frame: hex(encodeDelta(plain, from, pieces)),
    })),
    refused: refused.map(([name, code, basesCount, plainBytesMax, frame]) => ({ name, code, basesCount, plainBytesMax, frame })),
  }
}

function bitmapVectors(): object {
  type Ranges = readonly (readonly [start: number, end: number])[]
  const bitmapOf = (size: number, set: Ranges): Bitmap => {
    const bitmap = new Bitmap(size)
    for (const [start, end] of set) for (let index = start; index < end; index++) bitmap.set(index)
    return bitmap
  }
  const cases: [name: string, size: number, set: Ranges][] = [
    ['no bits', 0, []],
    ['one clear bit', 1, []],
    ['one set bit', 1, [[0, 1]]],
    ['nine bits, raw, low bits first', 9, [[0, 1], [2, 3], [8, 9]]],
    ['nothing of 1000', 1000, []],
    ['all of 1000', 1000, [[0, 1000]]],
    ['the first 300 of 1000', 1000, [[0, 300]]],
    ['three runs', 1000, [[1, 128], [129, 1000]]],
    ['as long in runs as raw, so raw', 16, [[7, 16]]],
    ['a byte shorter in runs than raw', 16, []],
    ['the last of 16 Mi', 16 * KIB * KIB, [[16 * KIB * KIB - 1, 16 * KIB * KIB]]],
  ]
  const refused: [name: string, code: string, size: number, bytes: string][] = [
    ['nothing', 'MALFORMED', 8, ''],
    ['version 2', 'UNSUPPORTED_VERSION', 8, '2000'],
    ['kind 2', 'MALFORMED', 8, '1200'],
    ['raw, a byte short', 'MALFORMED', 9, '1001'],
    ['raw, a byte long', 'TOO_LARGE', 9, '10010000'],
    ['raw, a padding bit', 'MALFORMED', 9, '100502'],
    ['raw, though runs are shorter', 'MALFORMED', 24, '10000000'],
    ['runs, though raw is as short', 'MALFORMED', 8, '1108'],
    ['runs of no bits', 'MALFORMED', 0, '11'],
    ['runs that stop short', 'MALFORMED', 1000, '11e707'],
    ['runs that go too far', 'MALFORMED', 1000, '11e907'],
    ['an empty run in the middle', 'MALFORMED', 1000, '11010001e607'],
    ['an empty run at the end', 'MALFORMED', 1000, '11e80700'],
    ['a run cut off', 'MALFORMED', 1000, '11e8'],
    ['a run in too many bytes', 'MALFORMED', 1000, '11e88700'],
    ['a run of endless bytes', 'MALFORMED', 1000, `11${'80'.repeat(100)}`],
    ['longer than any of its size', 'TOO_LARGE', 1000, `10${'00'.repeat(126)}`],
    ['more bits than a snapshot has chunks', 'TOO_LARGE', 16 * KIB * KIB + 1, '10'],
  ]
  const coarse: [size: number, set: Ranges, bitsMax: number][] = [
    [10, [[0, 3], [9, 10]], 16],
    [10, [[0, 3], [9, 10]], 15],
    [1000, [[0, 126], [250, 999]], 8],
    [1000, [[0, 1000]], 7],
  ]
  return {
    accepted: cases.map(([name, size, set]) => ({ name, size, set, hex: hex(bitmapOf(size, set).encode()) })),
    refused: refused.map(([name, code, size, bytes]) => ({ name, size, code, hex: bytes })),
    coarse: coarse.map(([size, set, bitsMax]) => ({ size, set, bitsMax, hex: hex(bitmapOf(size, set).coarse(bitsMax)) })),
  }
}

/** Over the eight leaves that implementations of Certificate Transparency test with. */
function merkleVectors(): object {
  const leaves = ['', '00', '10', '2021', '3031', '40414243', '5051525354555657', '606162636465666768696a6b6c6d6e6f'].map(
    (leaf) => new Uint8Array(Buffer.from(leaf, 'hex')),
  )
  const first = (size: number): Uint8Array[] => leaves.slice(0, size)
  const pairs = leaves.flatMap((_, size) => first(size + 1).map((_, index) => [index, size + 1] as const))
  return {
    leaves: leaves.map(hex),
    leafHashes: leaves.map((leaf) => hex(leafHash(leaf))),
    roots: [[], ...leaves].map((_, size) => hex(merkleRoot(first(size)))),
    inclusion: pairs.map(([index, treeSize]) => ({ index, treeSize, proof: inclusionProof(first(treeSize), index).map(hex) })),
    consistency: pairs.map(([index, newSize]) => ({
      oldSize: index + 1,
      newSize,
      proof: consistencyProof(first(newSize), index + 1).map(hex),
    })),
  }
}

function sketchVectors(): object {
  const chunks = [
    { seed: 1, bytes: 64 * KIB, profile: 'edge' },
    { seed: 2, bytes: 256 * KIB, profile: 'balanced' },
    { seed: 3, bytes: 40, profile: 'edge' },
    { seed: 4, bytes: 16, profile: 'edge' },
  ] as const
  const sketches = chunks.map(({ seed, bytes, profile }) => [...sketchChunk(xorshift(seed, bytes), CHUNKING[profile])])
  const snapshot = pageCid(text('a snapshot'))
  const table = Uint32Array.from(sketches.slice(0, 2).flat())
  const file = hex(encodeSketchTable(snapshot, table))
  const resealed = (at: number, digits: string): string => {
    const bytes = Buffer.from(file, 'hex')
    bytes.write(digits, at, 'hex')
    const end = bytes.byteLength - 32
    bytes.set(sha256(bytes.subarray(0, end)), end)
    return bytes.toString('hex')
  }
  const refused: [name: string, code: string, hex: string][] = [
    ['nothing', 'MALFORMED', ''],
    ['a byte short', 'MALFORMED', file.slice(0, -2)],
    ['a byte long', 'MALFORMED', `${file}00`],
    ['another kind of file', 'MALFORMED', resealed(0, '00')],
    ['version 2', 'UNSUPPORTED_VERSION', resealed(8, '02')],
    ['12 values a sketch', 'MALFORMED', resealed(9, '0c')],
    ['of another snapshot', 'MISMATCH', resealed(10, '00')],
    ['2^32 - 1 chunks', 'TOO_LARGE', resealed(42, 'ffffffff')],
    ['three chunks, values of two', 'MALFORMED', resealed(42, '00000003')],
    ['a value changed', 'MALFORMED', `${file.slice(0, 92)}${file.slice(92, 94) === '00' ? '01' : '00'}${file.slice(94)}`],
  ]
  return {
    chunks: chunks.map((chunk, i) => ({ ...chunk, sketch: sketches[i] })),
    table: { snapshot: snapshot.toString(), chunks: 2, hex: file },
    refused: refused.map(([name, code, bytes]) => ({ name, code, hex: bytes })),
  }
}

function write(format: string, vectors: object): void {
  writeFileSync(new URL(`${format}.json`, import.meta.url), `${JSON.stringify(vectors, undefined, 2)}\n`)
}
