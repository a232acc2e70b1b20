import type { OperationSignature } from '@cairn/ledger'

const KEY_BYTES = 32
const SIGNATURE_BYTES = 64

/** Signatures as they go to a thread, in one piece of memory: key 32 | signature 64 | what was signed, all of it as long. */
export interface SignatureBatch {
  readonly packed: Uint8Array
  readonly signedBytes: number
}

/** At least one; `bytes` of all must be as long, which those of operations are. */
export function packSignatures(signatures: readonly OperationSignature[]): SignatureBatch {
  const signedBytes = signatures[0]?.bytes.byteLength ?? 0
  const stride = KEY_BYTES + SIGNATURE_BYTES + signedBytes
  const packed = new Uint8Array(signatures.length * stride)
  for (const [index, { publicKey, bytes, signature }] of signatures.entries()) {
    if (bytes.byteLength !== signedBytes) throw new RangeError(`${bytes.byteLength} bytes signed, and ${signedBytes} before`)
    packed.set(publicKey, index * stride)
    packed.set(signature, index * stride + KEY_BYTES)
    packed.set(bytes, index * stride + KEY_BYTES + SIGNATURE_BYTES)
  }
  return { packed, signedBytes }
}

export function* unpackSignatures({ packed, signedBytes }: SignatureBatch): Generator<OperationSignature> {
  const stride = KEY_BYTES + SIGNATURE_BYTES + signedBytes
  for (let at = 0; at < packed.byteLength; at += stride) {
    yield {
      publicKey: packed.subarray(at, at + KEY_BYTES),
      signature: packed.subarray(at + KEY_BYTES, at + KEY_BYTES + SIGNATURE_BYTES),
      bytes: packed.subarray(at + KEY_BYTES + SIGNATURE_BYTES, at + stride),
    }
  }
}
