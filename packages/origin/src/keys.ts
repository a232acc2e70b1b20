import { createPrivateKey, generateKeyPairSync } from 'node:crypto'
import { join } from 'node:path'
import { readFileIfExists, writeFileDurably } from '@cairn/storage'
import { createSigner, type Signer } from '@cairn/trust'
import { OriginError } from './errors.ts'

/** Only the owner of the workspace reads a private key. */
const KEY_MODE = 0o600

/** File of the private key of `role` below the workspace's `keys/`. */
export function keyPath(keysPath: string, role: string): string {
  return join(keysPath, `${role}.pem`)
}

/** Makes an Ed25519 key and writes it as PKCS #8 PEM. */
export async function createKey(keysPath: string, role: string): Promise<Signer> {
  const { privateKey } = generateKeyPairSync('ed25519')
  await writeFileDurably(keyPath(keysPath, role), Buffer.from(privateKey.export({ type: 'pkcs8', format: 'pem' })), KEY_MODE)
  return createSigner(privateKey)
}

/** @throws {OriginError} `KEY_MISSING` when it is not there: perhaps it was taken offline, as it should be */
export async function loadKey(keysPath: string, role: string): Promise<Signer> {
  const path = keyPath(keysPath, role)
  const pem = await readFileIfExists(path)
  if (pem === undefined) throw new OriginError({ code: 'KEY_MISSING', path, role })
  return createSigner(createPrivateKey(Buffer.from(pem)))
}
