import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { describe, it } from 'node:test'
import * as fc from 'fast-check'
import { ByteReader, ByteWriter } from '../src/bytes.ts'
import { LedgerError } from '../src/errors.ts'
import { type BlockHeader, decodeHeader, encodeHeader, HEADER_BYTES, headerDigest } from '../src/header.ts'
import { decodePayload, EMPTY_PAYLOAD_ROOT, encodePayload, OPERATION_BYTES_MAX, type Payload, payloadFacts } from '../src/payload.ts'

const vectors = JSON.parse(readFileSync(new URL('../../../test/vectors/ledger.json', import.meta.url), 'utf8')) as {
  header: { fields: BlockHeader; hex: string; digest: string }
  payload: { operations: { id: string; body: string }[]; hex: string; root: string; emptyRoot: string }
}
const bytesOf = (hex: string): Uint8Array => new Uint8Array(Buffer.from(hex, 'hex'))
const malformed = (run: () => unknown): void =>
  assert.throws(run, (error) => error instanceof LedgerError && (error.fault.code === 'MALFORMED' || error.fault.code === 'TOO_LARGE'))

describe('a header', () => {
  it('has pinned bytes and a pinned digest', () => {
    const { fields, hex, digest } = vectors.header
    assert.equal(Buffer.from(encodeHeader(fields)).toString('hex'), hex)
    assert.equal(headerDigest(fields), digest)
    assert.deepEqual(decodeHeader(bytesOf(hex)), fields)
    assert.equal(bytesOf(hex).byteLength, HEADER_BYTES)
  })

  it('is told from any other by its digest', () => {
    const { fields } = vectors.header
    const others = Object.entries(fields).map(([name, value]) => ({
      ...fields,
      [name]: typeof value === 'number' ? value + 1 : (value as string).replace(/^./, 'f'),
    }))
    const digests = new Set([fields, ...others].map((header) => headerDigest(header)))
    assert.equal(digests.size, others.length + 1)
  })

  it('is refused if it is cut, longer, or has numbers beyond 2^53', () => {
    const bytes = bytesOf(vectors.header.hex)
    malformed(() => decodeHeader(bytes.subarray(1)))
    malformed(() => decodeHeader(Buffer.concat([bytes, new Uint8Array(1)])))
    const huge = Buffer.from(bytes)
    huge[0] = 0xff
    malformed(() => decodeHeader(huge))
  })
})

describe('a payload', () => {
  const operations: Payload = vectors.payload.operations.map(({ id, body }) => ({ id, body: bytesOf(body) }))

  it('has pinned bytes and a pinned root', () => {
    assert.equal(Buffer.from(encodePayload(operations)).toString('hex'), vectors.payload.hex)
    assert.equal(payloadFacts(operations).root, vectors.payload.root)
    assert.equal(EMPTY_PAYLOAD_ROOT, vectors.payload.emptyRoot)
  })

  it('is decoded from what it was encoded to, and refused if anything is missing or left', () => {
    const operation = fc.record(
      { id: fc.string({ unit: 'grapheme', minLength: 1, maxLength: 8 }), body: fc.uint8Array({ maxLength: 40 }) },
      { noNullPrototype: true },
    )
    fc.assert(
      fc.property(fc.array(operation, { maxLength: 8 }), (payload) => {
        const bytes = encodePayload(payload)
        assert.deepEqual(decodePayload(bytes), payload)
        assert.equal(bytes.byteLength, payloadFacts(payload).bytesCount)
        malformed(() => decodePayload(bytes.subarray(0, -1)))
        malformed(() => decodePayload(Buffer.concat([bytes, new Uint8Array(1)])))
      }),
    )
  })

  it('is bounded before anything is read of it', () => {
    malformed(() => decodePayload(new ByteWriter(4).u32(0xffffffff).finish()))
    malformed(() => decodePayload(encodePayload([{ id: 'x', body: new Uint8Array(OPERATION_BYTES_MAX + 1) }])))
    const invalid = Buffer.from(encodePayload([{ id: 'ab', body: new Uint8Array(0) }]))
    invalid[5] = 0xff
    malformed(() => decodePayload(invalid))
  })
})

describe('bytes', () => {
  it('are read as they were written, beyond the size that was expected', () => {
    fc.assert(
      fc.property(fc.maxSafeNat(), fc.nat(0xffffffff), fc.nat(0xffff), fc.uint8Array({ maxLength: 200 }), (long, word, half, bytes) => {
        const written = new ByteWriter(1).u64(long).u32(word).u16(half).u8(7).bytes(bytes).finish()
        const reader = new ByteReader(written, 'test')
        assert.deepEqual(
          [reader.u64(), reader.u32(), reader.u16(), reader.u8(), reader.bytes(bytes.byteLength)],
          [long, word, half, 7, bytes],
        )
        reader.end()
      }),
    )
  })
})
