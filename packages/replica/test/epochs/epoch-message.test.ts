import assert from 'node:assert/strict'
import { it } from 'node:test'
import { type EpochRecord, LedgerError } from '@cairn/ledger'
import { decodeEpochMessage, encodeEpochMessage, type EpochMessage } from '../../src/epochs/epoch-message.ts'

const signature = new Uint8Array(64).fill(3)
const record: EpochRecord = {
  epoch: 1,
  endSlot: 20,
  endHeight: 12,
  endBlock: '11'.repeat(32),
  committee: '22'.repeat(32),
  nextCommittee: '33'.repeat(32),
  delta: {
    size: { n: 3, f: 0, c: 1, p: 0 },
    seats: [{ seat: 2, member: { peer: 'p', publicKey: new Uint8Array(32).fill(4), role: 'full' } }],
  },
  ready: [{ seat: 2, signature }],
  signatures: [],
}
const MESSAGES: readonly EpochMessage[] = [
  { type: 'ask', epoch: 7 },
  { type: 'record', record },
]

it('what replicas say of epochs comes back as it was, and nothing else is read', () => {
  assert.equal(Buffer.from(encodeEpochMessage(MESSAGES[0]!)).toString('hex'), '010000000000000007')
  for (const message of MESSAGES) {
    const bytes = encodeEpochMessage(message)
    assert.deepEqual(decodeEpochMessage(bytes), message)
    for (const bad of [bytes.subarray(1), bytes.subarray(0, -1), Buffer.concat([bytes, Uint8Array.of(0)]), Uint8Array.of(3)]) {
      assert.throws(() => decodeEpochMessage(bad), LedgerError)
    }
  }
})
