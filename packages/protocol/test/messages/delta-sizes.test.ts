import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import * as fc from 'fast-check'
import { ProtocolError } from '../../src/errors.ts'
import { CHUNKS_MAX, FRAME_BYTES_MAX } from '../../src/limits.ts'
import { decodeDeltaSizes, DELTA_SIZES_BYTES_MAX, encodeDeltaSizes } from '../../src/messages/index.ts'
import { hasFault } from './faults.ts'

const sizes = fc
  .uniqueArray(fc.tuple(fc.oneof(fc.nat(200), fc.nat(CHUNKS_MAX - 1)), fc.integer({ min: 1, max: FRAME_BYTES_MAX })), {
    selector: ([chunk]) => chunk,
    maxLength: 50,
  })
  .map((entries) => new Map(entries))

describe('delta sizes', () => {
  it('come back in the order of the chunks', () => {
    fc.assert(
      fc.property(sizes, (sizes) => {
        const bytes = encodeDeltaSizes(sizes)
        assert(bytes !== undefined)
        assert.deepEqual(
          [...decodeDeltaSizes(bytes, CHUNKS_MAX)],
          [...sizes].sort(([a], [b]) => a - b),
        )
      }),
    )
  })

  it('have one encoding, and noise has none', () => {
    const noise = fc.array(fc.oneof(fc.nat(3), fc.nat(255)), { maxLength: 20 }).map((bytes) => Uint8Array.of(1, ...bytes))
    fc.assert(
      fc.property(noise, fc.nat(1000), (bytes, chunksCount) => {
        let found: ReadonlyMap<number, number>
        try {
          found = decodeDeltaSizes(bytes, chunksCount)
        } catch (error) {
          assert(error instanceof ProtocolError, String(error))
          return
        }
        assert([...found.keys()].every((chunk) => chunk < chunksCount))
        assert.deepEqual(encodeDeltaSizes(found), bytes)
      }),
      { numRuns: 1000 },
    )
  })

  it('are refused beyond their bounds', () => {
    const refused = (code: string, ...bytes: number[]): void =>
      assert.throws(() => decodeDeltaSizes(Uint8Array.from(bytes), 10), hasFault(code))
    refused('MALFORMED')
    refused('UNSUPPORTED_VERSION', 2)
    refused('TOO_LARGE', 1, 10, 1)
    refused('TOO_LARGE', 1, 9, 1, 0, 1)
    refused('MALFORMED', 1, 0, 0)
    refused('MALFORMED', 1, 0)
    refused('MALFORMED', 1, 0, 0x80)
    refused('MALFORMED', 1, 0, 0x80, 0)
    refused('MALFORMED', 1, 0, 0x80, 0x80, 0x80, 0x80, 1)
    refused('TOO_LARGE', 1, 0, 0xff, 0xff, 0xff, 0x7f)
    assert.throws(() => decodeDeltaSizes(new Uint8Array(DELTA_SIZES_BYTES_MAX + 1), 10), hasFault('TOO_LARGE'))
    assert.equal(decodeDeltaSizes(Uint8Array.of(1), 0).size, 0)
  })

  it('are left out where there are too many', () => {
    const many = (count: number): Map<number, number> => new Map(Array.from({ length: count }, (_, chunk) => [chunk, 100]))
    // Two bytes each, and one for the version.
    assert.equal(encodeDeltaSizes(many(DELTA_SIZES_BYTES_MAX / 2 - 1))?.byteLength, DELTA_SIZES_BYTES_MAX - 1)
    assert.equal(encodeDeltaSizes(many(DELTA_SIZES_BYTES_MAX / 2)), undefined)
  })
})
