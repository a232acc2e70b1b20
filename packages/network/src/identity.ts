import { randomUUID } from 'node:crypto'
import { link, mkdir, open, readFile, unlink } from 'node:fs/promises'
import { dirname } from 'node:path'
import { NetworkError } from './errors.ts'
import { createPeerKey, peerIdOf } from './libp2p/keys.ts'
import type { PeerId } from './transport.ts'

/** Who a peer is on the network: its private key, and the peer id that follows from it. */
export interface PeerIdentity {
  /** libp2p's protobuf form of an Ed25519 private key. Secret. */
  readonly privateKey: Uint8Array
  readonly peer: PeerId
}

/**
 * Reads the peer key at `path`, or makes one there (mode 0600) if there is none.
 * Two processes that start at once end with the same key: the file appears whole, and only once.
 *
 * @throws {NetworkError} `BAD_KEY` if the file holds something else; the system's error if it cannot be read or written
 */
export async function loadOrCreatePeerKey(path: string): Promise<PeerIdentity> {
  const privateKey = (await readIfThere(path)) ?? (await create(path))
  try {
    return { privateKey, peer: await peerIdOf(privateKey) }
  } catch (error) {
    throw new NetworkError({ code: 'BAD_KEY', path }, { cause: error })
  }
}

async function create(path: string): Promise<Uint8Array> {
  const key = await createPeerKey()
  await mkdir(dirname(path), { recursive: true })
  const temporary = `${path}.${randomUUID()}`
  try {
    const file = await open(temporary, 'wx', 0o600)
    try {
      await file.writeFile(key)
      await file.sync()
    } finally {
      await file.close()
    }
    // A link, unlike a rename, refuses to replace a key that another process has just made.
    await link(temporary, path)
    return key
  } catch (error) {
    if (hasCode(error, 'EEXIST')) return await readFile(path)
    throw error
  } finally {
    await unlink(temporary).catch(() => {})
  }
}

async function readIfThere(path: string): Promise<Uint8Array | undefined> {
  try {
    return await readFile(path)
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return undefined
    throw error
  }
}

function hasCode(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code
}
