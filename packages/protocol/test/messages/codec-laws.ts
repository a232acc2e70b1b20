import assert from 'node:assert/strict'
import * as fc from 'fast-check'
import { ProtocolError } from '../../src/errors.ts'

/** The two directions of one message format. */
export interface Codec<Message> {
  readonly encode: (message: Message) => Uint8Array
  readonly decode: (bytes: Uint8Array) => Message
}

/** What decodes is what was encoded. */
export function assertRoundTrip<Message>(codec: Codec<Message>, messages: fc.Arbitrary<Message>): void {
  fc.assert(
    fc.property(messages, (message) => {
      assert.deepEqual(codec.decode(new Uint8Array(codec.encode(message))), message)
    }),
  )
}

/** Damaged messages, and noise, are refused with a {@link ProtocolError} or are the one encoding of another message. */
export function assertStrict<Message>(codec: Codec<Message>, messages: fc.Arbitrary<Message>): void {
  const damaged = fc.tuple(messages, fc.nat(), fc.nat(7), fc.constantFrom('flip', 'truncate', 'append', 'insert')).map(damage)
  fc.assert(
    fc.property(fc.oneof({ weight: 4, arbitrary: damaged }, fc.uint8Array({ maxLength: 100 })), (bytes) => {
      let message: Message
      try {
        message = codec.decode(bytes)
      } catch (error) {
        assert(error instanceof ProtocolError, `threw ${String(error)}`)
        return
      }
      assert.deepEqual(new Uint8Array(codec.encode(message)), bytes)
    }),
    { numRuns: 1000 },
  )

  function damage([message, place, bit, how]: [Message, number, number, 'flip' | 'truncate' | 'append' | 'insert']): Uint8Array {
    const bytes = new Uint8Array(codec.encode(message))
    const at = place % bytes.byteLength
    switch (how) {
      case 'flip':
        bytes[at]! ^= 1 << bit
        return bytes
      case 'truncate':
        return bytes.slice(0, at)
      case 'append':
        return Uint8Array.of(...bytes, place & 0xff)
      case 'insert':
        return Uint8Array.of(...bytes.subarray(0, at), bit, ...bytes.subarray(at))
      default:
        return how satisfies never
    }
  }
}
