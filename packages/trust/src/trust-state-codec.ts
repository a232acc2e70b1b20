import { decodeCanonical, encodeCanonical, isJsonObject, type Json, type JsonObject } from './canonical-json.ts'
import { TrustError } from './errors.ts'
import { openState, type TrustState } from './trust-state.ts'

const WHAT = 'cairn trust state'
const VERSION = 1
/** How faults name the stored state. */
const FILE = 'trust state'

/**
 * `state` as bytes for durable storage: canonical JSON that holds each accepted file as the text it is.
 * The files stay readable, and their own signatures are the checksum.
 */
export function encodeTrustState(state: TrustState): Uint8Array {
  const { root, timestamp, snapshot, targets, ledgers } = state
  const files: JsonObject = { root: text(root) }
  if (timestamp !== undefined) files['timestamp'] = text(timestamp)
  if (snapshot !== undefined) files['snapshot'] = text(snapshot)
  if (targets !== undefined) files['targets'] = text(targets)
  const byName = Object.fromEntries(Object.entries(ledgers).map(([ledger, bytes]) => [ledger, text(bytes)]))
  return encodeCanonical({ what: WHAT, version: VERSION, files, ledgers: byName })
}

/**
 * Reads what {@link encodeTrustState} wrote, and verifies it again: a damaged state must not become a floor of versions
 * that nothing genuine reaches.
 *
 * @throws {TrustError} `MALFORMED`, `UNSUPPORTED_VERSION`, or as for fetched files
 */
export function decodeTrustState(bytes: Uint8Array): TrustState {
  const json = decodeCanonical(FILE, bytes)
  if (!isJsonObject(json) || json['what'] !== WHAT) throw malformed('not a trust state')
  const { version, what: _what, files, ledgers, ...rest } = json
  if (version !== VERSION)
    throw new TrustError({ code: 'UNSUPPORTED_VERSION', file: FILE, found: JSON.stringify(version ?? null), supported: `${VERSION}` })
  if (Object.keys(rest).length > 0) throw malformed('holds unknown fields')
  const { root, timestamp, snapshot, targets, ...others } = texts(files)
  if (root === undefined || Object.keys(others).length > 0) throw malformed('not the files of a trust state')
  const state: TrustState = {
    root,
    ...(timestamp === undefined ? {} : { timestamp }),
    ...(snapshot === undefined ? {} : { snapshot }),
    ...(targets === undefined ? {} : { targets }),
    ledgers: texts(ledgers),
  }
  openState(state)
  return state
}

/** Every accepted file is canonical JSON, so UTF-8, and comes back byte for byte. */
function text(bytes: Uint8Array): string {
  return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
}

function texts(json: Json | undefined): Record<string, Uint8Array> {
  if (!isJsonObject(json)) throw malformed('not a map of files')
  return Object.fromEntries(
    Object.entries(json).map(([name, value]) => {
      if (typeof value !== 'string') throw malformed(`${name.slice(0, 64)} is not a text`)
      return [name, Buffer.from(value)]
    }),
  )
}

function malformed(reason: string): TrustError {
  return new TrustError({ code: 'MALFORMED', file: FILE, reason })
}
