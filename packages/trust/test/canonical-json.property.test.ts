import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import * as fc from 'fast-check'
import { decodeCanonical, encodeCanonical, type Json } from '../src/canonical-json.ts'
import { TrustError } from '../src/index.ts'

const printable = fc
  .string({ unit: 'grapheme', maxLength: 8 })
  .filter((text) => text !== '__proto__' && text.isWellFormed() && Array.from(text).every((character) => character >= ' '))
const { json } = fc.letrec<{ json: Json }>((tie) => ({
  json: fc.oneof(
    { maxDepth: 5 },
    fc.constant(null),
    fc.boolean(),
    fc.maxSafeInteger(),
    printable,
    fc.array(tie('json'), { maxLength: 4 }),
    fc.dictionary(printable, tie('json'), { maxKeys: 4, noNullPrototype: true }),
  ),
}))

describe('canonical JSON', () => {
  it('is JSON, and comes back as the same value and the same bytes', () => {
    fc.assert(
      fc.property(json, (value) => {
        const bytes = encodeCanonical(value)
        assert.deepEqual(JSON.parse(Buffer.from(bytes).toString()), JSON.parse(JSON.stringify(value)))
        assert.deepEqual(encodeCanonical(decodeCanonical('x', bytes)), bytes)
      }),
    )
  })

  it('is the only form that is read', () => {
    fc.assert(
      fc.property(json, fc.constantFrom(' ', '  ', '\n'), (value, space) => {
        for (const text of [JSON.stringify(value, undefined, 1), JSON.stringify(value) + space, space + JSON.stringify(value)]) {
          const bytes = Buffer.from(text)
          if (Buffer.compare(bytes, encodeCanonical(value)) !== 0) assert.throws(() => decodeCanonical('x', bytes), TrustError)
        }
      }),
    )
  })

  it('refuses any bytes whatever with one kind of error', () => {
    const tricky = [
      '[',
      '['.repeat(100_000),
      '"\\ud800"',
      '1e400',
      '-0',
      '1.5',
      '"\\u0061"',
      '{"a":1,"a":1}',
      '{"b":1,"a":1}',
      '{"__proto__":1}',
      '\ufeff{}',
      '9007199254740993',
    ]
    for (const text of tricky) assert.throws(() => decodeCanonical('x', Buffer.from(text)), TrustError, text.slice(0, 20))
    assert.throws(() => decodeCanonical('x', Buffer.from(`${'['.repeat(500_000)}${']'.repeat(500_000)}`)), TrustError)
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 40 }), (bytes) => {
        try {
          decodeCanonical('x', bytes)
        } catch (error) {
          assert.ok(error instanceof TrustError)
        }
      }),
    )
  })
})
