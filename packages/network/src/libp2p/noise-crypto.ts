import { createCipheriv, createDecipheriv, createSecretKey, type KeyObject } from 'node:crypto'
import type { ICryptoInterface } from '@libp2p/noise'
import { defaultCrypto } from '@libp2p/noise/crypto'
import { Uint8ArrayList } from 'uint8arraylist'

const CIPHER = 'chacha20-poly1305'
const TAG_BYTES = 16
const OPTIONS = { authTagLength: TAG_BYTES }

/** Shorter records are left to the library, which has them done in WebAssembly: up to here that beats the set-up of a cipher by Node. */
const SHORT_RECORD_BYTES_MAX = 768

interface PreparedKey {
  readonly bytes: Buffer
  readonly key: KeyObject
}

/** By the array that holds a direction's key, which lives as long as its connection. */
const preparedKeys = new WeakMap<Uint8Array, PreparedKey>()

/**
 * What `@libp2p/noise` asks of a cryptographic library: its own choice of Node's, with less to do for each record.
 *
 * A key is imported once for each connection and direction and not for each record, and pieces of a record are given on as they are.
 * The bytes are those of the library's own.
 */
export const recordCrypto: ICryptoInterface = {
  ...defaultCrypto,

  chaCha20Poly1305Encrypt(plaintext, nonce, ad, k) {
    if (plaintext.byteLength <= SHORT_RECORD_BYTES_MAX) return defaultCrypto.chaCha20Poly1305Encrypt(plaintext, nonce, ad, k)
    const cipher = createCipheriv(CIPHER, keyOf(k), nonce, OPTIONS)
    if (ad.byteLength > 0) cipher.setAAD(ad, { plaintextLength: plaintext.byteLength })
    const output = new Uint8ArrayList()
    for (const part of partsOf(plaintext)) output.append(cipher.update(part))
    cipher.final()
    output.append(cipher.getAuthTag())
    return output
  },

  // The last argument is where the plaintext may go, and Node's ciphers cannot write into memory that is given.
  chaCha20Poly1305Decrypt(ciphertext, nonce, ad, k, target) {
    if (ciphertext.byteLength <= SHORT_RECORD_BYTES_MAX) return defaultCrypto.chaCha20Poly1305Decrypt(ciphertext, nonce, ad, k, target)
    const plaintextBytes = ciphertext.byteLength - TAG_BYTES
    const decipher = createDecipheriv(CIPHER, keyOf(k), nonce, OPTIONS)
    if (ad.byteLength > 0) decipher.setAAD(ad, { plaintextLength: plaintextBytes })
    decipher.setAuthTag(ciphertext.subarray(plaintextBytes))
    const output = new Uint8ArrayList()
    const encrypted = ciphertext instanceof Uint8Array ? ciphertext.subarray(0, plaintextBytes) : ciphertext.sublist(0, plaintextBytes)
    for (const part of partsOf(encrypted)) output.append(decipher.update(part))
    // Throws if the tag is not that of the record, before anybody has seen the output.
    decipher.final()
    return output
  },
}

function partsOf(data: Uint8Array | Uint8ArrayList): Iterable<Uint8Array> {
  return data instanceof Uint8Array ? [data] : data
}

function keyOf(k: Uint8Array): KeyObject {
  const known = preparedKeys.get(k)
  // The library never overwrites a key. If it did, going on with the old one would use its nonces twice and give both records away.
  if (known?.bytes.equals(k) === true) return known.key
  const prepared = { bytes: Buffer.from(k), key: createSecretKey(k) }
  preparedKeys.set(k, prepared)
  return prepared.key
}
