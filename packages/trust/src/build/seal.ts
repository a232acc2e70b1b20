import { encodeCanonical, type JsonObject } from '../canonical-json.ts'
import { type Kind, readMetadata, SPEC_VERSION } from '../metadata.ts'
import type { Signer } from '../signer.ts'

/** What every piece of new metadata needs besides its content. */
export interface Signing {
  /** Milliseconds since the Unix epoch; the second that it falls into counts. */
  readonly expiresAt: number
  /** Whoever must agree. A missing signature shows when a client reads the file, so hand in the role's threshold of them. */
  readonly signers: readonly Signer[]
}

export interface Content {
  readonly kind: Kind
  readonly file: string
  readonly version: number
  /** The fields of `signed` that are the kind's own. */
  readonly fields: JsonObject
}

/**
 * Signs `content` into the canonical bytes of a metadata file, and reads them back: what no client would accept is not published.
 *
 * @throws {TrustError} `MALFORMED` or `TOO_LARGE`, as for a fetched file
 */
export function seal({ kind, file, version, fields }: Content, { expiresAt, signers }: Signing): Uint8Array {
  const signed: JsonObject = {
    _type: kind === 'ledger' ? 'targets' : kind,
    spec_version: SPEC_VERSION,
    version,
    expires: new Date(expiresAt).toISOString().replace(/\.\d{3}Z$/, 'Z'),
    ...fields,
  }
  const statement = encodeCanonical(signed)
  const byId = new Map(signers.map((signer) => [signer.keyId, signer]))
  const signatures = [...byId.keys()].sort().map((keyid) => ({ keyid, sig: Buffer.from(byId.get(keyid)!.sign(statement)).toString('hex') }))
  const bytes = encodeCanonical({ signatures, signed })
  readMetadata(kind, file, bytes)
  return bytes
}
