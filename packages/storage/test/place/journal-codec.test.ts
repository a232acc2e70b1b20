import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { describe, it } from 'node:test'
import { parseCid } from '@cairn/protocol'
import { decodeJournal, type JournalRecord } from '../../src/place/journal-codec.ts'
import { faultOf } from '../fault.ts'
import { encodeJournal } from './journal-samples.ts'

interface Vectors {
  readonly accepted: readonly {
    readonly name: string
    readonly snapshot: string
    readonly bootId?: string
    readonly chunksCount: number
    readonly records: readonly JournalRecord[]
    readonly hex: string
  }[]
  readonly refused: readonly { readonly name: string; readonly code: 'CORRUPT' | 'UNSUPPORTED_VERSION'; readonly hex: string }[]
}

const text = readFileSync(new URL('../../../../test/vectors/journal.json', import.meta.url), 'utf8')
const vectors = JSON.parse(text, (key, value: unknown) => (key === 'inode' ? BigInt(String(value)) : value)) as Vectors

describe('journal vectors', () => {
  for (const { name, snapshot, bootId, chunksCount, records, hex } of vectors.accepted) {
    it(name, () => {
      const bytes = Buffer.from(hex, 'hex')
      const decoded = decodeJournal(bytes, 'journal')
      assert.deepEqual(decoded.header, { snapshot: parseCid(snapshot), bootId, chunksCount })
      assert.deepEqual(decoded.records, records)
      const written = encodeJournal(decoded.records, decoded.header)
      assert.deepEqual(written, bytes.subarray(0, bytes.byteLength - decoded.droppedBytes))
    })
  }
  for (const { name, code, hex } of vectors.refused) {
    it(`refuses: ${name}`, async () => {
      await faultOf(
        Promise.resolve().then(() => decodeJournal(Buffer.from(hex, 'hex'), 'journal')),
        code,
      )
    })
  }
})
