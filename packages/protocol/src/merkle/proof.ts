import { SHA256_BYTES } from '../cid.ts'
import { ProtocolError } from '../errors.ts'

export function checkHash(hash: Uint8Array): void {
  if (hash.byteLength !== SHA256_BYTES) throw malformedProof(`a hash of ${hash.byteLength} bytes`)
}

export function checkRoot(what: string, found: Uint8Array, wanted: Uint8Array): void {
  if (Buffer.compare(found, wanted) !== 0) throw new ProtocolError({ code: 'MISMATCH', what, found: hex(found), wanted: hex(wanted) })
}

export function malformedProof(reason: string): ProtocolError {
  return new ProtocolError({ code: 'MALFORMED', what: 'Merkle proof', reason })
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex')
}
