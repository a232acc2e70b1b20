import { parseCid } from '@cairn/protocol'
import * as fc from 'fast-check'
import { encodeHeader, encodeRecords, type JournalHeader, type JournalRecord } from '../../src/place/journal-codec.ts'

export const CHUNKS_COUNT = 1000

export const header: JournalHeader = {
  snapshot: parseCid('bafyreihdwdcefgh4dqkjv67uzcmw7ojee6xedzdetojuzjevtenxquvyku'),
  bootId: '00112233445566778899aabbccddeeff',
  chunksCount: CHUNKS_COUNT,
}

const runs = fc.array(
  fc
    .record({ first: fc.nat(CHUNKS_COUNT - 1), length: fc.integer({ min: 1, max: 20 }) })
    .map(({ first, length }) => ({ first, count: Math.min(length, CHUNKS_COUNT - first) })),
  { minLength: 1, maxLength: 5 },
)
const files = fc.array(fc.record({ entry: fc.nat(100), inode: fc.bigInt(0n, 2n ** 64n - 1n) }, { noNullPrototype: true }), {
  minLength: 1,
  maxLength: 4,
})

/** Any record that the writer may write. */
export const anyRecord: fc.Arbitrary<JournalRecord> = fc.oneof(
  { weight: 5, arbitrary: runs.map((runs) => ({ type: 'placed', runs }) as const) },
  runs.map((runs) => ({ type: 'cleared', runs }) as const),
  files.map((files) => ({ type: 'files', files }) as const),
  fc.nat(30).map((coveredRecords) => ({ type: 'barrier', coveredRecords }) as const),
  fc.constantFrom('bootstrap', 'hot', 'bulk').map((stage) => ({ type: 'stage', stage }) as const),
  fc.constantFrom({ type: 'doubt' } as const, { type: 'complete' } as const),
)

/** A whole journal, as one file. */
export function encodeJournal(records: readonly JournalRecord[], as: JournalHeader = header): Buffer {
  const head = encodeHeader(as)
  return Buffer.concat([head.bytes, encodeRecords(records, head.checksum).bytes])
}
