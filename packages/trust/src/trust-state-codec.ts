import { sha256 } from '@cairn/protocol'
import { z } from 'zod'
import { decodeCanonical, encodeCanonical, isJsonObject } from './canonical-json.ts'
import { TrustError } from './errors.ts'
import { openState, type TrustState } from './trust-state.ts'

const WHAT = 'cairn trust state'
const VERSION = 1
/** How faults name the stored state. */
const FILE = 'trust state'

/** Metadata files, each as the text it is. */
const contentSchema = z.strictObject({
  root: z.string(),
  predecessors: z.array(z.string()),
  /** Timestamp, snapshot and targets: all or none. */
  accepted: z.array(z.string()).refine(({ length }) => length === 0 || length === 3),
  ledgers: z.record(z.string(), z.string()),
})
const stateSchema = z.strictObject({ what: z.literal(WHAT), version: z.literal(VERSION), sha256: z.string(), content: contentSchema })

type Content = z.infer<typeof contentSchema>

/** `state` as bytes for durable storage: canonical JSON that holds each accepted file as the text it is, and their SHA-256. */
export function encodeTrustState(state: TrustState): Uint8Array {
  const { root, predecessors = [], timestamp, snapshot, targets, ledgers } = state
  const content: Content = {
    root: text(root),
    predecessors: predecessors.map(text),
    accepted: [timestamp, snapshot, targets].filter((file) => file !== undefined).map(text),
    ledgers: Object.fromEntries(Object.entries(ledgers).map(([ledger, bytes]) => [ledger, text(bytes)])),
  }
  return encodeCanonical({ what: WHAT, version: VERSION, sha256: checksum(content), content })
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
  const { version = null } = json
  if (version !== VERSION) {
    throw new TrustError({ code: 'UNSUPPORTED_VERSION', file: FILE, found: JSON.stringify(version).slice(0, 32), supported: `${VERSION}` })
  }
  const shape = stateSchema.safeParse(json)
  if (!shape.success) throw malformed('not the files of a trust state')
  const { content } = shape.data
  // Against a failing disk, not an attacker: signatures of keys that are gone cannot be verified any more.
  if (shape.data.sha256 !== checksum(content)) throw malformed('its checksum is wrong')
  const state = stateOf(content)
  openState(state)
  return state
}

function stateOf({ root, predecessors, accepted, ledgers }: Content): TrustState {
  const [timestamp, snapshot, targets] = accepted.map((file) => Buffer.from(file))
  return {
    root: Buffer.from(root),
    ...(predecessors.length === 0 ? {} : { predecessors: predecessors.map((file) => Buffer.from(file)) }),
    ...(timestamp === undefined || snapshot === undefined || targets === undefined ? {} : { timestamp, snapshot, targets }),
    ledgers: Object.fromEntries(Object.entries(ledgers).map(([ledger, file]) => [ledger, Buffer.from(file)])),
  }
}

/** Every accepted file is canonical JSON, so UTF-8, and comes back byte for byte. */
function text(bytes: Uint8Array): string {
  return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
}

function checksum(content: Content): string {
  return Buffer.from(sha256(encodeCanonical(content))).toString('hex')
}

function malformed(reason: string): TrustError {
  return new TrustError({ code: 'MALFORMED', file: FILE, reason })
}
