import { sha256 } from '@cairn/protocol'
import type { MetaFile } from '@tufjs/models'
import { TrustError } from './errors.ts'
import type { MetadataFile } from './metadata.ts'

/** A file as another, signed file lists it. */
export interface Listed {
  readonly file: string
  readonly role: string
  readonly meta: MetaFile
}

/**
 * Verifies that `bytes` are the ones that were listed, where the listing says so. Comes before parsing:
 * who is not the signer does not get to feed the parser.
 *
 * Stops mix-and-match: files that were all signed once, but never together.
 *
 * @throws {TrustError} `MIXED`
 */
export function verifyListedBytes(bytes: Uint8Array, { file, role, meta }: Listed): void {
  if (meta.length !== undefined && bytes.byteLength !== meta.length) {
    throw new TrustError({ code: 'MIXED', file, role, what: 'length', found: `${bytes.byteLength}`, wanted: `${meta.length}` })
  }
  const wanted = meta.hashes?.['sha256']
  if (wanted === undefined) return
  const found = Buffer.from(sha256(bytes)).toString('hex')
  if (found !== wanted) throw new TrustError({ code: 'MIXED', file, role, what: 'SHA-256', found, wanted })
}

/** @throws {TrustError} `MIXED` */
export function verifyListedVersion({ version }: MetadataFile, { file, role, meta }: Listed): void {
  if (version !== meta.version)
    throw new TrustError({ code: 'MIXED', file, role, what: 'version', found: `${version}`, wanted: `${meta.version}` })
}

/** Whether a file that is already at hand is the listed one. */
export function isListed(file: MetadataFile, listed: Listed): boolean {
  try {
    verifyListedBytes(file.bytes, listed)
    verifyListedVersion(file, listed)
    return true
  } catch {
    return false
  }
}
