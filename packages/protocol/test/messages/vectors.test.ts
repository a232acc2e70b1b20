import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { describe, it } from 'node:test'
import { parseCid } from '../../src/cid.ts'
import {
  decodeAvailability,
  decodeControl,
  decodeExchange,
  decodeHeads,
  encodeAvailability,
  encodeControl,
  encodeExchange,
  encodeHeads,
} from '../../src/messages/index.ts'
import type { Codec } from './codec-laws.ts'
import { hasFault } from './faults.ts'

interface Vectors {
  readonly accepted: readonly { readonly name: string; readonly message: unknown; readonly hex: string }[]
  readonly refused: readonly { readonly name: string; readonly code: string; readonly hex: string }[]
}

describe('exchange vectors', () => check('exchange', '', { encode: encodeExchange, decode: decodeExchange }))
describe('control vectors', () => check('control', '', { encode: encodeControl, decode: decodeControl }))
describe('heads vectors', () => check('announcements', 'heads', { encode: encodeHeads, decode: decodeHeads }))
describe('availability vectors', () => check('announcements', 'availability', { encode: encodeAvailability, decode: decodeAvailability }))

/** Checks the vectors of `format` whose names start with `prefix`. */
function check<Message>(format: string, prefix: string, { encode, decode }: Codec<Message>): void {
  const vectors = JSON.parse(readFileSync(new URL(`../../../../test/vectors/${format}.json`, import.meta.url), 'utf8')) as Vectors
  const accepted = vectors.accepted.filter(({ name }) => name.startsWith(prefix))
  const refused = vectors.refused.filter(({ name }) => name.startsWith(prefix))
  it('exist', () => assert(accepted.length > 0 && refused.length > 0))
  for (const { name, message, hex } of accepted) {
    it(name, () => {
      const bytes = new Uint8Array(Buffer.from(hex, 'hex'))
      assert.deepEqual(decode(bytes), revive(message))
      assert.equal(Buffer.from(encode(revive(message) as Message)).toString('hex'), hex)
    })
  }
  for (const { name, code, hex } of refused) {
    it(`refuses: ${name}`, () => assert.throws(() => decode(Buffer.from(hex, 'hex')), hasFault(code)))
  }
}

/** Links and bytes from their DAG-JSON form. */
function revive(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(revive)
  if (typeof value !== 'object' || value === null) return value
  if ('/' in value) {
    const inner = value['/']
    if (typeof inner === 'string') return parseCid(inner)
    return new Uint8Array(Buffer.from((inner as { bytes: string }).bytes, 'base64'))
  }
  return Object.fromEntries(Object.entries(value).map(([key, field]) => [key, revive(field)]))
}
