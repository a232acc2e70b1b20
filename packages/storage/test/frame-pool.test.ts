import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { encodeFrame, sha256 } from '@cairn/protocol'
import * as fc from 'fast-check'
import { digestInPool, packInPool } from '../src/index.ts'

/** Bytes that compress, and bytes that do not. */
const plains = fc.oneof(
  fc.uint8Array({ maxLength: 4096 }),
  fc.tuple(fc.uint8Array({ minLength: 1, maxLength: 8 }), fc.nat(20_000)).map(([unit, bytes]) => Buffer.alloc(bytes, unit)),
)

describe('the frame pool', () => {
  it('gives what the synchronous functions give', async () => {
    await fc.assert(
      fc.asyncProperty(plains, async (plain) => {
        const frame = await packInPool(plain)
        assert.deepEqual(Buffer.from(frame), Buffer.from(encodeFrame(plain)))
        assert.deepEqual(Buffer.from(await digestInPool(new Uint8Array(plain))), Buffer.from(sha256(plain)))
      }),
      { numRuns: 40 },
    )
  })
})
