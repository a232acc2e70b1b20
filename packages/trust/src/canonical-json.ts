import { TrustError } from './errors.ts'
import { JSON_DEPTH_MAX } from './limits.ts'

export type Json = null | boolean | number | string | Json[] | JsonObject
export type JsonObject = { [key: string]: Json }

/**
 * The one byte form of `value`: OLPC canonical JSON (keys in UTF-16 order, no white space, integers only, escapes only for
 * `"` and `\`), less what that form cannot carry through a JSON parser: control characters and unpaired surrogates.
 *
 * @throws {TypeError} for a value without a canonical form
 * @see http://wiki.laptop.org/go/Canonical_JSON, which TUF signs over
 */
export function encodeCanonical(value: Json): Uint8Array {
  const parts: string[] = []
  write(value, 0, parts)
  return Buffer.from(parts.join(''))
}

/**
 * Reads canonical JSON of a peer; `file` is for the error.
 * Any other form of the same value is refused: one statement has one byte form, so bytes can be compared, hashed and blamed.
 *
 * @throws {TrustError} `MALFORMED`
 */
export function decodeCanonical(file: string, bytes: Uint8Array): Json {
  let value: Json
  let canonical: Uint8Array
  try {
    value = JSON.parse(new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)) as Json
    canonical = encodeCanonical(value)
  } catch (cause) {
    throw new TrustError({ code: 'MALFORMED', file, reason: 'not canonical JSON' }, { cause })
  }
  if (Buffer.compare(canonical, bytes) !== 0) throw new TrustError({ code: 'MALFORMED', file, reason: 'JSON, but not in canonical form' })
  return value
}

export function isJsonObject(value: Json | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function write(value: Json, depth: number, parts: string[]): void {
  if (depth > JSON_DEPTH_MAX) throw new TypeError(`nested deeper than ${JSON_DEPTH_MAX}`)
  if (typeof value === 'string') writeString(value, parts)
  else if (typeof value === 'number') writeInteger(value, parts)
  else if (Array.isArray(value)) {
    parts.push('[')
    for (const [index, item] of value.entries()) {
      if (index > 0) parts.push(',')
      write(item, depth + 1, parts)
    }
    parts.push(']')
  } else if (isJsonObject(value)) {
    parts.push('{')
    for (const [index, key] of Object.keys(value).sort().entries()) {
      // Parsers and copiers differ on whether this is a key or the prototype: nobody may have to ask.
      if (key === '__proto__') throw new TypeError('__proto__ as a key')
      if (index > 0) parts.push(',')
      writeString(key, parts)
      parts.push(':')
      write(value[key]!, depth + 1, parts)
    }
    parts.push('}')
  } else parts.push(String(value))
}

function writeInteger(value: number, parts: string[]): void {
  if (!Number.isSafeInteger(value)) throw new TypeError(`${value} is not a safe integer`)
  parts.push(value.toString())
}

function writeString(value: string, parts: string[]): void {
  if (!value.isWellFormed()) throw new TypeError('unpaired surrogate')
  // oxlint-disable-next-line no-control-regex -- to find control characters is the point of it
  if (/[\u0000-\u001f]/.test(value)) throw new TypeError('control character')
  parts.push('"', value.replaceAll('\\', '\\\\').replaceAll('"', '\\"'), '"')
}
