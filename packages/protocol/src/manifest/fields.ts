import { CID, decodeCid, isPageCid } from '../cid.ts'
import { ProtocolError } from '../errors.ts'

/** Validators of decoded CBOR, one per kind of field. `what` names the field in the fault. */

export function malformed(what: string, reason: string): ProtocolError {
  return new ProtocolError({ code: 'MALFORMED', what, reason })
}

/** A map with exactly the keys `required` and at most the keys `optional` besides. */
export function readMap(
  value: unknown,
  what: string,
  required: readonly string[],
  optional: readonly string[] = [],
): Readonly<Record<string, unknown>> {
  if (typeof value !== 'object' || value === null || Array.isArray(value) || value instanceof Uint8Array || value instanceof CID) {
    throw malformed(what, 'not a map')
  }
  const map = value as Readonly<Record<string, unknown>>
  for (const key of required) if (!Object.hasOwn(map, key)) throw malformed(what, `${key} is missing`)
  for (const key of Object.keys(map)) {
    if (!required.includes(key) && !optional.includes(key)) throw malformed(what, `unknown key ${JSON.stringify(key.slice(0, 32))}`)
  }
  return map
}

export function readList(value: unknown, what: string): readonly unknown[] {
  if (!Array.isArray(value)) throw malformed(what, 'not a list')
  return value
}

/** A list of exactly `length` items. */
export function readTuple(value: unknown, what: string, length: number): readonly unknown[] {
  const list = readList(value, what)
  if (list.length !== length) throw malformed(what, `${list.length} items, not ${length}`)
  return list
}

/** A whole number from 0 to `max`. */
export function readInteger(value: unknown, what: string, max: number = Number.MAX_SAFE_INTEGER): number {
  if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < 0) throw malformed(what, 'not a whole number in the safe range')
  if (value > max) throw new ProtocolError({ code: 'TOO_LARGE', what, value, max })
  return value
}

/** A byte string of `bytesMin` to `bytesMax` bytes. */
export function readBytes(value: unknown, what: string, bytesMin: number, bytesMax: number): Uint8Array {
  if (!(value instanceof Uint8Array)) throw malformed(what, 'not a byte string')
  if (value.byteLength > bytesMax) throw new ProtocolError({ code: 'TOO_LARGE', what, value: value.byteLength, max: bytesMax })
  if (value.byteLength < bytesMin) throw malformed(what, `${value.byteLength} bytes, ${bytesMin} at least`)
  return value
}

/** Text of 1 to `bytesMax` bytes of UTF-8. */
export function readText(value: unknown, what: string, bytesMax: number): string {
  if (typeof value !== 'string') throw malformed(what, 'not text')
  if (value.length === 0) throw malformed(what, 'empty')
  if (!value.isWellFormed()) throw malformed(what, 'not Unicode')
  const bytes = Buffer.byteLength(value)
  if (bytes > bytesMax) throw new ProtocolError({ code: 'TOO_LARGE', what, value: bytes, max: bytesMax })
  return value
}

/** A link to a manifest page or root. */
export function readPageLink(value: unknown, what: string): CID {
  // `instanceof`, not `CID.asCID`: a map with the keys of a CID would pass the latter.
  if (!(value instanceof CID)) throw malformed(what, 'not a link')
  const cid = decodeCid(value.bytes)
  if (!isPageCid(cid)) throw malformed(what, 'not a link to a page')
  return cid
}
