import { CID } from 'multiformats/cid'
import * as Digest from 'multiformats/hashes/digest'
import { CID_BYTES, CODEC_DAG_CBOR, CODEC_RAW, HASH_SHA256, SHA256_BYTES, sha256 } from './digest.ts'
import { ProtocolError } from './errors.ts'

export { CID }
export { chunkCidBytes, CID_BYTES, SHA256_BYTES, sha256 } from './digest.ts'

/** The CID of a chunk with SHA-256 `digest` (32 bytes). */
export function chunkCid(digest: Uint8Array): CID {
  return cidOf(CODEC_RAW, digest)
}

/** The CID of a manifest page or root: of its exact bytes. */
export function pageCid(bytes: Uint8Array): CID {
  return cidOf(CODEC_DAG_CBOR, sha256(bytes))
}

/** The CID of a manifest page or root with SHA-256 `digest` (32 bytes). */
export function pageCidFromDigest(digest: Uint8Array): CID {
  return cidOf(CODEC_DAG_CBOR, digest)
}

/** The SHA-256 digest that `cid` carries. */
export function cidDigest(cid: CID): Uint8Array {
  return cid.multihash.digest
}

/** Whether `cid` names a manifest page or root, not a chunk. */
export function isPageCid(cid: CID): boolean {
  return cid.code === CODEC_DAG_CBOR
}

/** Whether `plain` is the block that `cid` names. */
export function verifyBlock(cid: CID, plain: Uint8Array): boolean {
  return Buffer.compare(sha256(plain), cidDigest(cid)) === 0
}

/**
 * Reads a CID from exactly {@link CID_BYTES} bytes of a peer.
 *
 * @throws {ProtocolError} `BAD_CID` for any other length, version, codec or hash
 */
export function decodeCid(bytes: Uint8Array): CID {
  if (bytes.byteLength !== CID_BYTES) throw new ProtocolError({ code: 'BAD_CID', reason: `${bytes.byteLength} bytes, not ${CID_BYTES}` })
  const [version, codec, hashCode, hashBytes] = bytes
  if (version !== 1 || hashCode !== HASH_SHA256 || hashBytes !== SHA256_BYTES) {
    throw new ProtocolError({ code: 'BAD_CID', reason: 'not version 1 with SHA-256' })
  }
  if (codec !== CODEC_RAW && codec !== CODEC_DAG_CBOR) throw new ProtocolError({ code: 'BAD_CID', reason: `codec ${codec}` })
  return cidOf(codec, bytes.subarray(4))
}

/**
 * Reads a CID from its canonical text (`bafkrei…` for a chunk, `bafyrei…` for a page).
 *
 * @throws {ProtocolError} `BAD_CID` for anything else, other bases and versions included
 */
export function parseCid(text: string): CID {
  let cid: CID
  try {
    cid = CID.parse(text)
  } catch (cause) {
    throw new ProtocolError({ code: 'BAD_CID', reason: 'not a CID' }, { cause })
  }
  const strict = decodeCid(cid.bytes)
  if (strict.toString() !== text) throw new ProtocolError({ code: 'BAD_CID', reason: 'not in canonical base32' })
  return strict
}

function cidOf(codec: number, digest: Uint8Array): CID {
  if (digest.byteLength !== SHA256_BYTES) throw new ProtocolError({ code: 'BAD_CID', reason: `digest of ${digest.byteLength} bytes` })
  // Copied, so that a CID never keeps the network buffer alive that it was read from.
  return CID.createV1(codec, Digest.create(HASH_SHA256, new Uint8Array(digest)))
}
