import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import * as dagCbor from '@ipld/dag-cbor'
import { CID, decodeCid, pageCid } from '../../src/cid.ts'
import { CHUNKS_MAX, METADATA_BYTES_MAX } from '../../src/limits.ts'
import {
  BITMAP_BYTES_MAX,
  CONTROL_FRAME_BYTES_MAX,
  type ControlMessage,
  decodeControl,
  DELTA_SIZES_BYTES_MAX,
  encodeControl,
  HAVE_UPDATE_CHUNKS_MAX,
  PEER_ADDRESSES_MAX,
} from '../../src/messages/index.ts'
import { hasFault } from './faults.ts'

const snapshot = decodeCid(new Uint8Array(pageCid(new Uint8Array(1)).bytes))
const range = (length: number): number[] => Array.from({ length }, (_, i) => i)

describe('control messages', () => {
  it('fit the frame bound at their largest', () => {
    const largest: readonly ControlMessage[] = [
      { type: 'metadata-reply', id: 0xffff_ffff, bytes: new Uint8Array(METADATA_BYTES_MAX) },
      { type: 'have-reply', id: 0xffff_ffff, state: 'partial', bitmap: new Uint8Array(BITMAP_BYTES_MAX) },
      { type: 'deltas-reply', id: 0xffff_ffff, state: 'ready', sizes: new Uint8Array(DELTA_SIZES_BYTES_MAX) },
      { type: 'have-update', snapshot, chunks: range(HAVE_UPDATE_CHUNKS_MAX).map((i) => CHUNKS_MAX - HAVE_UPDATE_CHUNKS_MAX + i) },
      { type: 'peers-reply', id: 0xffff_ffff, addresses: range(PEER_ADDRESSES_MAX).map((i) => `/${i}`.padEnd(256, 'x')) },
    ]
    for (const message of largest) assert.deepEqual(decodeControl(encodeControl(message)), message)
  })

  it('are refused beyond their bounds, in both directions', () => {
    refused('TOO_LARGE', { type: 'metadata-reply', id: 1, bytes: new Uint8Array(METADATA_BYTES_MAX + 1) })
    refused('TOO_LARGE', { type: 'have-reply', id: 1, state: 'partial', bitmap: new Uint8Array(BITMAP_BYTES_MAX + 1) })
    refused('TOO_LARGE', { type: 'have-update', snapshot, chunks: range(HAVE_UPDATE_CHUNKS_MAX + 1) })
    refused('TOO_LARGE', { type: 'have-update', snapshot, chunks: [CHUNKS_MAX] })
    refused('TOO_LARGE', { type: 'peers-reply', id: 1, addresses: range(PEER_ADDRESSES_MAX + 1).map((i) => `/ip4/10.0.0.${i}`) })
    refused('TOO_LARGE', { type: 'deltas-reply', id: 1, state: 'ready', sizes: new Uint8Array(DELTA_SIZES_BYTES_MAX + 1) })
    refused('TOO_LARGE', { type: 'have', id: 2 ** 32, snapshot })
    assert.throws(() => decodeControl(new Uint8Array(CONTROL_FRAME_BYTES_MAX + 1)), hasFault('TOO_LARGE'))
  })

  it('hold nothing that contradicts itself', () => {
    refused('MALFORMED', { type: 'have-update', snapshot, chunks: [] })
    refused('MALFORMED', { type: 'have-update', snapshot, chunks: [2, 1] })
    refused('MALFORMED', { type: 'have-update', snapshot, chunks: [1, 1] })
    refused('MALFORMED', { type: 'have-reply', id: 1, state: 'partial' })
    refused('MALFORMED', { type: 'have-reply', id: 1, state: 'complete', bitmap: Uint8Array.of(1) })
    refused('MALFORMED', { type: 'have-reply', id: 1, state: 'complete', lastResort: false })
    refused('MALFORMED', { type: 'have-reply', id: 1, state: 'none', lastResort: true })
    refused('MALFORMED', { type: 'deltas-reply', id: 1, state: 'none', sizes: Uint8Array.of(1) })
    refused('MALFORMED', { type: 'deltas-reply', id: 1, state: 'ready', sizes: new Uint8Array() })
    refused('MALFORMED', { type: 'deltas', id: 1, snapshot })
    refused('MALFORMED', { type: 'peers-reply', id: 1, addresses: ['/ip4/10.0.0.1', '/ip4/10.0.0.1'] })
    refused('MALFORMED', { type: 'peers-reply', id: 1, addresses: ['/ip4/10.0.0.1\n'] })
    refused('MALFORMED', { type: 'peers-reply', id: 1, addresses: [`/${'x'.repeat(256)}`] })
  })

  it('have exactly the fields of their type', () => {
    refused('MALFORMED', { type: 'have', snapshot })
    refused('MALFORMED', { type: 'have', id: 1, snapshot, file: 'root.json' })
    refused('MALFORMED', { type: 'have', id: 1, snapshot, ['__proto__']: 1 })
    refused('MALFORMED', { type: 'toString', id: 1 })
    refused('MALFORMED', { type: ['have'], id: 1, snapshot })
    refused('MALFORMED', { type: 'have', id: -1, snapshot })
    refused('MALFORMED', { type: 'have', id: '1', snapshot })
    refused('MALFORMED', { type: 'have', id: 1, snapshot: snapshot.bytes })
    refused('MALFORMED', { type: 'have', id: 1, snapshot: { version: 1, code: 0x71, multihash: 1, '/': 1, bytes: 2 } })
    refused('BAD_CID', { type: 'have', id: 1, snapshot: CID.parse('QmdfTbBqBPQ7VNxZEYEj14VmRuZBkqFbiwReogJgS1zR1n') })
    for (const value of [null, 1, 'have', [], snapshot, new Uint8Array(3)]) refused('MALFORMED', value)
  })

  it('do not turn a frame into more objects than a message has', () => {
    const emptyMaps = new Uint8Array(1024 * 1024).fill(0xa0)
    emptyMaps.set([0x9a, 0x00, 0x0f, 0xff, 0xfb])
    assert.throws(() => decodeControl(emptyMaps), hasFault('TOO_LARGE'))
    assert.throws(() => decodeControl(new Uint8Array(1024 * 1024).fill(0x81)), hasFault('TOO_LARGE'))
  })
})

function refused(code: string, message: unknown): void {
  assert.throws(() => encodeControl(message as ControlMessage), hasFault(code))
  assert.throws(() => decodeControl(dagCbor.encode(message)), hasFault(code))
}
