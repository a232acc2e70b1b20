import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import * as fc from 'fast-check'
import { StorageError } from '../../src/index.ts'
import { decodeJournal, type JournalRecord } from '../../src/place/journal-codec.ts'
import { anyRecord, encodeJournal, header } from './journal-samples.ts'

const anyRecords = fc.array(anyRecord, { maxLength: 12 })

describe('journal laws', () => {
  it('decode gives back what encode was given', () => {
    fc.assert(
      fc.property(anyRecords, (records) => {
        assert.deepEqual(decodeJournal(encodeJournal(records), 'journal'), { header, records, droppedBytes: 0 })
      }),
    )
  })

  it('a cut gives a prefix of the records, or refuses the header', () => {
    fc.assert(
      fc.property(anyRecords, fc.nat(), (records, at) => {
        const bytes = encodeJournal(records)
        assertPrefix(bytes.subarray(0, at % bytes.byteLength), records)
      }),
    )
  })

  it('a changed byte gives a prefix of the records, or refuses the header', () => {
    fc.assert(
      fc.property(anyRecords, fc.nat(), fc.integer({ min: 1, max: 255 }), (records, at, flip) => {
        const bytes = encodeJournal(records)
        bytes[at % bytes.byteLength]! ^= flip
        assertPrefix(bytes, records)
      }),
    )
  })

  it('records of another journal, or behind a torn one, are not taken', () => {
    fc.assert(
      fc.property(anyRecords, anyRecords, fc.integer({ min: 1, max: 8 }), (records, others, torn) => {
        const bytes = encodeJournal([...records, { type: 'complete' }])
        const other = encodeJournal(others, { ...header, chunksCount: header.chunksCount + 1 })
        const stale = other.subarray(encodeJournal([]).byteLength)
        assertPrefix(Buffer.concat([bytes.subarray(0, bytes.byteLength - torn), stale]), [...records, { type: 'complete' }])
        assert.deepEqual(decodeJournal(Buffer.concat([bytes, stale]), 'journal').records, [...records, { type: 'complete' }])
      }),
    )
  })
})

function assertPrefix(bytes: Uint8Array, records: readonly JournalRecord[]): void {
  let decoded: readonly JournalRecord[]
  try {
    decoded = decodeJournal(bytes, 'journal').records
  } catch (error) {
    assert.ok(error instanceof StorageError && ['CORRUPT', 'UNSUPPORTED_VERSION'].includes(error.fault.code))
    return
  }
  assert.deepEqual(decoded, records.slice(0, decoded.length))
}
