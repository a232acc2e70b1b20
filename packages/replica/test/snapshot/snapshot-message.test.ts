import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { ByteReader, type Checkpoint, LedgerError, readItem } from '@cairn/ledger'
import { decodeSnapshotMessage, encodeSnapshotMessage, type SnapshotMessage } from '../../src/snapshot/snapshot-message.ts'
import { ServedState } from './served.ts'

/** A true offer of a ledger that is the same every time: no operations. */
function offered(): { readonly checkpoint: Checkpoint; readonly message: SnapshotMessage } {
  const directory = mkdtempSync(join(tmpdir(), 'cairn-message-'))
  try {
    const served = new ServedState(join(directory, 'served.db'))
    while (served.store.state.height < 7) served.apply([])
    const checkpoint = served.certify()
    const header = readItem(new ByteReader(served.store.chain.itemAt(7)!, 'item')).proposal!.header
    const peaks = served.store.chain.peaks(6)!
    served.store.close()
    return { checkpoint, message: { type: 'offer', offer: { checkpoint, epochs: [], header, peaks } } }
  } finally {
    rmSync(directory, { recursive: true, force: true })
  }
}

describe('messages about states', () => {
  const { checkpoint, message } = offered()
  const messages: readonly SnapshotMessage[] = [
    { type: 'ask', epoch: 1, applied: 2, certified: 3 },
    message,
    { type: 'checkpoint', checkpoint },
    { type: 'pages-wanted', request: 4, height: 5, hashes: [new Uint8Array(32).fill(6), new Uint8Array(32).fill(7)] },
    { type: 'pages', request: 8, pages: [Uint8Array.of(9), new Uint8Array(0)] },
  ]
  /** SHA-256 of each in its bytes: other bytes are another protocol. */
  const pinned: Readonly<Record<SnapshotMessage['type'], string>> = {
    ask: 'd340c1e22db4a93b05da93db8a91e49008583eaea134c248468bec55174b6dab',
    offer: '438758bad4786f6a8ceb35dd7373b6b5ee069b51182014f602ff0102c7d4485d',
    checkpoint: '61bd9b012ffcb50069b1401b86d91a6941626528b390638c5ea72d94e2425fd0',
    'pages-wanted': 'afec4cb6d55ccbc53e460d80692cdf38b3c55da9d82639435072acde34245841',
    pages: 'f513af4130cb9b39d897e4b73d04af888e25cfccbb2dc5ed996965498d938f99',
  }

  it('are read as they were written, and their bytes do not move', () => {
    for (const each of messages) {
      const bytes = encodeSnapshotMessage(each)
      assert.deepEqual(encodeSnapshotMessage(decodeSnapshotMessage(bytes)), bytes)
      assert.equal(createHash('sha256').update(bytes).digest('hex'), pinned[each.type], each.type)
    }
  })

  it('are refused when they are cut off, go on, or hold more than was asked for', () => {
    for (const each of messages) {
      const bytes = encodeSnapshotMessage(each)
      for (const bad of [bytes.subarray(0, -1), Buffer.concat([bytes, Uint8Array.of(0)])]) {
        assert.throws(() => decodeSnapshotMessage(bad), LedgerError)
      }
    }
    const many = encodeSnapshotMessage({ type: 'pages', request: 0, pages: Array.from({ length: 257 }, () => new Uint8Array(0)) })
    assert.throws(() => decodeSnapshotMessage(many), LedgerError)
    assert.throws(() => decodeSnapshotMessage(Uint8Array.of(9)), LedgerError)
  })
})
