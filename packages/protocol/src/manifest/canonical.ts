import { decode, encode } from '@ipld/dag-cbor'
import { PAGE_BYTES_MAX } from '../limits.ts'
import { ProtocolError } from '../errors.ts'
import { malformed } from './fields.ts'

/**
 * The one encoding of `value`.
 *
 * @throws {ProtocolError} `TOO_LARGE` beyond {@link PAGE_BYTES_MAX}
 */
export function encodeBlock(value: unknown, what: string): Uint8Array {
  const bytes = encode(value)
  assertBlockBytes(bytes, what)
  return bytes
}

/**
 * Reads one canonical DAG-CBOR block: what `read` makes of the decoded value.
 *
 * `read` checks the shape field by field and throws {@link ProtocolError}. After it the value is encoded again and compared,
 * which refuses every second spelling the decoder lets through: floats for integers, `undefined` for null,
 * keys out of order, text that is not UTF-8.
 *
 * @throws {ProtocolError} `TOO_LARGE`, `MALFORMED`, and what `read` throws
 */
export function decodeBlock<T>(bytes: Uint8Array, what: string, read: (value: unknown) => T): T {
  assertBlockBytes(bytes, what)
  let value: unknown
  try {
    value = decode<unknown>(bytes)
  } catch (cause) {
    // Nesting that overflows the stack ends here too: 64 KiB bound its depth, and a RangeError can be caught.
    throw new ProtocolError({ code: 'MALFORMED', what, reason: 'not DAG-CBOR' }, { cause })
  }
  const result = read(value)
  if (Buffer.compare(encode(value), bytes) !== 0) throw malformed(what, 'not in canonical form')
  return result
}

function assertBlockBytes(bytes: Uint8Array, what: string): void {
  if (bytes.byteLength > PAGE_BYTES_MAX) throw new ProtocolError({ code: 'TOO_LARGE', what, value: bytes.byteLength, max: PAGE_BYTES_MAX })
}
