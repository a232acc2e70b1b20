import { ByteReader, ByteWriter } from '../bytes.ts'
import { type Digest, DIGEST_BYTES, digestBytes } from '../digest.ts'
import { FORGOTTEN_PER_BLOCK_MAX } from './limits.ts'
import type { PageSource } from './page-source.ts'
import { readTree, scanTree, type TreeRoot } from './tree.ts'

/**
 * Keys of the state. The first byte says whose they are: the ledger's own, of which there is a count of remembered operations and these
 * operations by their last height, or the clients'.
 */
const OWN = 0x00
const OWN_COUNT = 0x00
const OWN_OPERATION = 0x01
const CLIENTS = 0x01

export const COUNT_KEY: Uint8Array = Uint8Array.of(OWN, OWN_COUNT)

export function clientKey(key: Uint8Array): Uint8Array {
  return Buffer.concat([Uint8Array.of(CLIENTS), key])
}

/** Where the state remembers an operation: those that end together are neighbours, so remembering and forgetting touch few pages. */
export function operationKey(lastHeight: number, id: Digest): Uint8Array {
  return Buffer.concat([endKey(lastHeight), digestBytes(id)])
}

/** What an operation did, once and for all. */
export interface Remembered {
  readonly type: 'applied' | 'conflict'
  /** Where it was decided. */
  readonly height: number
}

export function encodeRemembered({ type, height }: Remembered): Uint8Array {
  return new ByteWriter(9)
    .u8(type === 'applied' ? 1 : 0)
    .u64(height)
    .finish()
}

export function decodeRemembered(bytes: Uint8Array): Remembered {
  const reader = new ByteReader(bytes, 'remembered operation')
  return { type: reader.u8() === 1 ? 'applied' : 'conflict', height: reader.u64() }
}

/** Keys of remembered operations that ended before `height`: the oldest, as many as one block forgets. */
export function endedKeys(source: PageSource, root: TreeRoot, height: number): readonly Uint8Array[] {
  const keys: Uint8Array[] = []
  for (const { key } of scanTree(source, root, endKey(0), endKey(height))) {
    keys.push(key)
    if (keys.length === FORGOTTEN_PER_BLOCK_MAX) break
  }
  return keys
}

/** Ids of the operations that a state remembers, the ones decided first before the others. */
export function rememberedIds(source: PageSource, root: TreeRoot): readonly Digest[] {
  const found = [...scanTree(source, root, endKey(0), Uint8Array.of(OWN, OWN_OPERATION + 1))].map(({ key, value }) => ({
    id: Buffer.from(key.subarray(-DIGEST_BYTES)).toString('hex'),
    height: decodeRemembered(value).height,
  }))
  return found.sort((a, b) => a.height - b.height).map(({ id }) => id)
}

/** What the operation did, if it has not been forgotten. */
export function rememberedOperation(source: PageSource, root: TreeRoot, lastHeight: number, id: Digest): Remembered | undefined {
  const value = readTree(source, root, operationKey(lastHeight, id))
  return value && decodeRemembered(value)
}

function endKey(lastHeight: number): Uint8Array {
  return new ByteWriter(10).u8(OWN).u8(OWN_OPERATION).u64(lastHeight).finish()
}
