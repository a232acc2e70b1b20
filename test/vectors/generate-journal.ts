// Writes journal.json and fingerprints.json beside this file.
// Run it by hand, and only to approve a new format: `node test/vectors/generate-journal.ts`. Tests read what is there.
import { writeFileSync } from 'node:fs'
import { crc32 } from 'node:zlib'
import { chunkCid, pageCidFromDigest, sha256 } from '@cairn/protocol'
import { encodeFingerprints, type EntryFingerprint } from '../../packages/storage/src/place/fingerprints.ts'
import { encodeHeader, encodeRecords, type JournalHeader, type JournalRecord } from '../../packages/storage/src/place/journal-codec.ts'

const snapshot = pageCidFromDigest(sha256(Buffer.from('a snapshot')))
const header: JournalHeader = { snapshot, bootId: '00112233445566778899aabbccddeeff', chunksCount: 1000 }
const records: readonly JournalRecord[] = [
  {
    type: 'files',
    files: [
      { entry: 1, inode: 4711n },
      { entry: 2, inode: 2n ** 64n - 1n },
    ],
  },
  {
    type: 'placed',
    runs: [
      { first: 0, count: 3 },
      { first: 999, count: 1 },
    ],
  },
  { type: 'barrier', coveredRecords: 2 },
  { type: 'cleared', runs: [{ first: 1, count: 1 }] },
  { type: 'placed', runs: [{ first: 1, count: 1 }] },
  { type: 'stage', stage: 'bootstrap' },
  { type: 'stage', stage: 'hot' },
  { type: 'stage', stage: 'bulk' },
  { type: 'doubt' },
  { type: 'complete' },
]

const whole = journal(header, records)
const flip = (bytes: Buffer, at: number): Buffer => {
  const flipped = Buffer.from(bytes)
  flipped[at]! ^= 1
  return flipped
}
const start = journal(header, []).byteLength
const first = journal(header, records.slice(0, 1)).byteLength

write({
  accepted: [
    accepted('no records', header, [], journal(header, [])),
    accepted('no boot id', { ...header, bootId: undefined }, [], journal({ ...header, bootId: undefined }, [])),
    accepted('every type of record', header, records, whole),
    accepted('a torn tail', header, records.slice(0, 9), whole.subarray(0, -1)),
    accepted('a changed byte in the second record', header, records.slice(0, 1), flip(whole, first + 6)),
    accepted('a record of another journal', header, [], Buffer.concat([whole.subarray(0, start), record('another', { type: 'complete' })])),
    accepted('an unknown type of record', header, [], Buffer.concat([whole.subarray(0, start), unknownRecord()])),
    accepted('a chunk that the snapshot does not have', header, [], journal(header, [{ type: 'placed', runs: [{ first: 999, count: 2 }] }])),
    accepted('zeros after a power cut', header, records, Buffer.concat([whole, Buffer.alloc(64)])),
  ],
  refused: [
    { name: 'nothing', code: 'CORRUPT', hex: '' },
    { name: 'another magic', code: 'CORRUPT', hex: flip(whole, 0).toString('hex') },
    { name: 'another version', code: 'UNSUPPORTED_VERSION', hex: flip(whole, 8).toString('hex') },
    { name: 'a header that is cut off', code: 'CORRUPT', hex: whole.subarray(0, start - 1).toString('hex') },
    { name: 'a changed byte in the header', code: 'CORRUPT', hex: flip(whole, 30).toString('hex') },
  ],
})

function journal(as: JournalHeader, records: readonly JournalRecord[]): Buffer {
  const head = encodeHeader(as)
  return Buffer.concat([head.bytes, encodeRecords(records, head.checksum).bytes])
}

/** A record as it would stand first in the journal of another snapshot. */
function record(name: string, record: JournalRecord): Uint8Array {
  const { checksum } = encodeHeader({ ...header, snapshot: chunkCid(sha256(Buffer.from(name))) })
  return encodeRecords([record], checksum).bytes
}

/** Type 8 with an empty body. Its checksum is right for the place after the header. */
function unknownRecord(): Buffer {
  const prefix = Buffer.from([0, 0, 0, 0, 8])
  const checksum = Buffer.alloc(4)
  checksum.writeUInt32BE(crc32(prefix, encodeHeader(header).checksum))
  return Buffer.concat([prefix, checksum])
}

function accepted(name: string, { snapshot, bootId, chunksCount }: JournalHeader, records: readonly JournalRecord[], bytes: Buffer): object {
  return { name, snapshot: snapshot.toString(), bootId, chunksCount, records, hex: bytes.toString('hex') }
}

function write(vectors: object): void {
  const text = JSON.stringify(vectors, (_, value: unknown) => (typeof value === 'bigint' ? value.toString() : value), 2)
  writeFileSync(new URL('journal.json', import.meta.url), `${text}\n`)
}

const files: readonly EntryFingerprint[] = [
  { entry: 1, inode: 4711n, mtimeNs: 1_767_225_600_123_456_789n },
  { entry: 1000, inode: 2n ** 64n - 1n, mtimeNs: -1n },
]
const known = [
  { name: 'no files', files: [] },
  { name: 'two files', files },
].map((vector) => ({ ...vector, hex: hexOf(encodeFingerprints({ snapshot, files: vector.files })) }))
const ruined = Buffer.from(known[1]!.hex, 'hex')
writeFileSync(
  new URL('fingerprints.json', import.meta.url),
  `${JSON.stringify(
    {
      accepted: known.map((vector) => ({ ...vector, snapshot: snapshot.toString() })),
      refused: [
        { name: 'a byte short', hex: hexOf(ruined.subarray(0, -1)) },
        { name: 'a changed byte', hex: hexOf(flip(ruined, 60)) },
        { name: 'a later version', hex: hexOf(flip(ruined, 8)) },
        { name: 'nothing', hex: '' },
      ],
    },
    (_, value: unknown) => (typeof value === 'bigint' ? value.toString() : value),
    2,
  )}\n`,
)

function hexOf(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex')
}
