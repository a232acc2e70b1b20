import { type CID, cidDigest, isPageCid, parseCid } from '@cairn/protocol'
import type { TargetFile } from '@tufjs/models'
import type { JsonObject } from './canonical-json.ts'
import { TrustError } from './errors.ts'
import { releaseCustomSchema } from './schema.ts'

/** A signed statement that `manifest` is `ledger`'s snapshot at `height`. */
export interface Release {
  readonly ledger: string
  readonly height: number
  /** The CID of the manifest root. */
  readonly manifest: CID
  /** Length of the manifest root block. */
  readonly manifestBytes: number
  /** The channels that point here, in alphabetical order; each points at one height of a ledger only. */
  readonly channels: readonly string[]
  /** Plain bytes of all files. */
  readonly totalBytes: number
  /** Distinct chunks. */
  readonly chunks: number
}

/** A release as the target of `<ledger>.json`. */
export function releaseTarget({ manifest, manifestBytes, channels, totalBytes, chunks }: Release): JsonObject {
  return {
    length: manifestBytes,
    hashes: { sha256: hexDigest(manifest) },
    custom: { cairn: { cid: manifest.toString(), channels: [...channels], bytes: totalBytes, chunks } },
  }
}

/**
 * The release that a target of `ledger` at `height` states. TUF clients check the hash, Cairn's fetch by the CID:
 * both must name the same block, or two honest readers would get two snapshots.
 *
 * @throws {TrustError} `MALFORMED` or `MIXED`
 */
export function readRelease(file: string, ledger: string, height: number, target: TargetFile): Release {
  const { cairn } = releaseCustomSchema.parse(target.custom)
  const manifest = readManifestCid(file, cairn.cid)
  const [found, wanted] = [hexDigest(manifest), target.hashes['sha256'] ?? 'none']
  if (found !== wanted) throw new TrustError({ code: 'MIXED', file, role: ledger, what: `manifest of height ${height}`, found, wanted })
  return { ledger, height, manifest, manifestBytes: target.length, channels: cairn.channels, totalBytes: cairn.bytes, chunks: cairn.chunks }
}

function readManifestCid(file: string, text: string): CID {
  let cid: CID
  try {
    cid = parseCid(text)
  } catch (cause) {
    throw new TrustError({ code: 'MALFORMED', file, reason: 'a manifest CID is none' }, { cause })
  }
  if (!isPageCid(cid)) throw new TrustError({ code: 'MALFORMED', file, reason: `${text} names a chunk, not a manifest` })
  return cid
}

function hexDigest(cid: CID): string {
  return Buffer.from(cidDigest(cid)).toString('hex')
}
