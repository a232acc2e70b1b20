import { generateKeyPair, generateKeyPairFromSeed, privateKeyFromProtobuf, privateKeyToProtobuf } from '@libp2p/crypto/keys'
import type { PrivateKey } from '@libp2p/interface'
import { peerIdFromPrivateKey } from '@libp2p/peer-id'
import type { PeerId } from '../transport.ts'

/** Bytes of an Ed25519 seed; anything longer is libp2p's protobuf form of a private key. */
const SEED_BYTES = 32

/** A new Ed25519 key in libp2p's protobuf form. */
export async function createPeerKey(): Promise<Uint8Array> {
  return privateKeyToProtobuf(await generateKeyPair('Ed25519'))
}

/**
 * Reads a peer key: a 32-byte Ed25519 seed, or libp2p's protobuf form.
 *
 * @throws if the bytes are neither
 */
export async function decodePeerKey(bytes: Uint8Array): Promise<PrivateKey> {
  return bytes.byteLength === SEED_BYTES ? await generateKeyPairFromSeed('Ed25519', bytes) : privateKeyFromProtobuf(bytes)
}

/** The peer id that belongs to a key. */
export async function peerIdOf(key: Uint8Array): Promise<PeerId> {
  return peerIdFromPrivateKey(await decodePeerKey(key)).toString()
}
