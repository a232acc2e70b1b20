import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { checkpointDigest, checkpointStatement, decodeCheckpoint, encodeCheckpoint } from '../../src/checkpoint/checkpoint.ts'
import { HistoryTree } from '../../src/checkpoint/history.ts'
import { signStatement } from '../../src/checkpoint/quorum-signature.ts'
import { decodeEpochRecord, encodeEpochRecord, type EpochRecord } from '../../src/epoch-chain/epoch-record.ts'
import { LedgerError } from '../../src/errors.ts'
import { followChain, type LightProof, type TrustRoot } from '../../src/light-client/light-client.ts'
import { decodeLightProof, encodeLightProof } from '../../src/light-client/light-proof-codec.ts'
import { ed25519Verifier } from '../../src/signing.ts'
import { LEDGER } from '../fixtures.ts'
import { blockDigest, certify, chainOf, committeeWith, headerOf, NOT_AFTER, recordOf, signerOf } from './chains.ts'

const verifier = ed25519Verifier()
const { root, proof, committees } = chainOf('bft-4', 4)
const NOW = NOT_AFTER - 1

function refuses(code: string, changes: Partial<LightProof>, trust: TrustRoot = root, now = NOW): void {
  assert.throws(
    () => followChain(trust, now, verifier, { ...proof, ...changes }),
    (error) => error instanceof LedgerError && error.fault.code === code,
    code,
  )
}

/** The proof's records with record `epoch` changed. */
function withRecord(epoch: number, change: (record: EpochRecord) => EpochRecord): Partial<LightProof> {
  return { epochs: proof.epochs.map((record) => (record.epoch === epoch ? change(record) : record)) }
}

describe('a light client', () => {
  it('comes from the trust root to the newest checkpoint', () => {
    const { checkpoint, committee } = followChain(root, NOW, verifier, proof)
    assert.equal(checkpoint, proof.newest.header)
    assert.equal(committee.hash, committees.at(-1)?.committee.hash)
  })

  it('comes there within the trusted epoch', () => {
    const { root, proof } = chainOf('bft-7', 0)
    assert.equal(followChain(root, NOW, verifier, proof).checkpoint.height, 2)
  })

  it('walks a thousand epochs whose committees change, in less than 2 MB', () => {
    for (const preset of ['bft-7', 'geo-10'] as const) {
      const { root, proof } = chainOf(preset, 1000)
      const bytes = encodeLightProof(proof)
      assert.ok(bytes.byteLength < 2_000_000, `${bytes.byteLength} bytes`)
      const { checkpoint } = followChain(root, NOW, ed25519Verifier(), decodeLightProof(bytes))
      assert.equal(checkpoint.epoch, 1000)
    }
  })

  it('refuses an expired trust root', () => {
    followChain(root, NOT_AFTER, verifier, proof)
    refuses('TRUST_EXPIRED', {}, root, NOT_AFTER + 1)
  })

  it('refuses another committee or checkpoint than the trust root names', () => {
    refuses('WRONG_COMMITTEE', { committee: committees[1]!.committee })
    refuses('WRONG_TRUSTED_CHECKPOINT', { trusted: { ...proof.trusted, height: 2 } })
    refuses('WRONG_TRUSTED_CHECKPOINT', {}, { ...root, checkpoint: '11'.repeat(32) })
  })

  it('refuses a forged checkpoint', () => {
    const { header, signatures } = proof.newest
    refuses('FORGED', { newest: { header: { ...header, stateRoot: '11'.repeat(32) }, signatures } })
    const strangers = committeeWith('bft-4', [91, 92, 93, 94])
    refuses('FORGED', { newest: { header, signatures: certify(LEDGER, header, strangers).signatures } })
    // Each signature counts, also one more than a quorum.
    const extra = { seat: 0, signature: signatures[0]!.signature }
    refuses('FORGED', { newest: { header, signatures: [extra, ...signatures] } })
  })

  it('refuses a forged epoch record', () => {
    refuses(
      'FORGED',
      withRecord(1, (record) => ({ ...record, endBlock: '11'.repeat(32) })),
    )
    refuses(
      'FORGED',
      withRecord(1, (record) => ({
        ...record,
        signatures: recordOf(LEDGER, 1, { ...committees[1]!, signers: [91, 92, 93, 94].map(signerOf) }, committees[2]!).signatures,
      })),
    )
  })

  it('refuses the wrong epoch', () => {
    refuses('WRONG_EPOCH', { epochs: proof.epochs.slice(1) })
    refuses('WRONG_EPOCH', { epochs: proof.epochs.slice(0, -1) })
    refuses('WRONG_EPOCH', { epochs: [proof.epochs[0]!, ...proof.epochs] })
    refuses('WRONG_EPOCH', { newest: certify(LEDGER, { ...proof.newest.header, epoch: 3 }, committees.at(-1)!) })
  })

  it('refuses a record of another committee', () => {
    const { committee, signers } = committees[1]!
    const other = recordOf(LEDGER, 1, { committee: committees[3]!.committee, signers: committees[3]!.signers }, committees[2]!)
    refuses(
      'WRONG_COMMITTEE',
      withRecord(1, () => other),
    )
    refuses('WRONG_COMMITTEE', { newest: certify(LEDGER, { ...proof.newest.header, committee: committee.hash }, { committee, signers }) })
  })

  it('refuses a change of committee that was not signed', () => {
    const change = (delta: (delta: EpochRecord['delta']) => EpochRecord['delta']): Partial<LightProof> =>
      withRecord(1, (record) => ({ ...record, delta: delta(record.delta) }))
    const seat = proof.epochs[1]!.delta.seats[0]!
    const mine = { ...seat, member: { ...seat.member, publicKey: signerOf(99).publicKey } }
    refuses(
      'WRONG_DELTA',
      change((delta) => ({ ...delta, seats: [mine] })),
    )
    refuses(
      'WRONG_DELTA',
      change((delta) => ({ ...delta, seats: [] })),
    )
    refuses(
      'WRONG_DELTA',
      change((delta) => ({ ...delta, seats: [seat, seat] })),
    )
    refuses(
      'WRONG_DELTA',
      change((delta) => ({ ...delta, seats: [{ ...seat, seat: 4 }] })),
    )
    refuses(
      'WRONG_DELTA',
      change((delta) => ({ ...delta, size: { n: 4, f: 0, c: 1, p: 0 } })),
    )
    refuses(
      'WRONG_DELTA',
      change((delta) => ({ ...delta, size: { n: 4, f: 2, c: 0, p: 0 } })),
    )
    const unchanged = { seat: 0, member: committees[1]!.committee.members[0]! }
    refuses(
      'WRONG_DELTA',
      change((delta) => ({ ...delta, seats: [unchanged, ...delta.seats] })),
    )
  })

  it('refuses joiners that did not say that they are ready, and more that did', () => {
    refuses(
      'NOT_READY',
      withRecord(2, (record) => ({ ...record, ready: [] })),
    )
    refuses(
      'NOT_READY',
      withRecord(2, (record) => ({ ...record, ready: proof.epochs[1]!.ready })),
    )
    refuses(
      'NOT_READY',
      withRecord(2, (record) => ({ ...record, ready: [{ ...record.ready[0]!, signature: proof.epochs[1]!.ready[0]!.signature }] })),
    )
    refuses(
      'WRONG_DELTA',
      withRecord(2, (record) => ({ ...record, ready: [...record.ready, ...record.ready] })),
    )
  })

  it('refuses a replayed chain', () => {
    const other = chainOf('bft-4', 4, { ...LEDGER, chainId: 8 })
    // The same keys, the same committees: only the ledger's number differs.
    refuses('FORGED', { epochs: other.proof.epochs })
    refuses('WRONG_CHAIN', { newest: other.proof.newest })
    refuses('WRONG_CHAIN', {
      newest: { ...other.proof.newest, header: { ...other.proof.newest.header, chainId: 7, networkId: '11'.repeat(32) } },
    })
    refuses('FORGED', { newest: { ...other.proof.newest, header: proof.newest.header } })
  })

  it('refuses too few signers and too few holders', () => {
    const { header, signatures } = proof.newest
    refuses('TOO_FEW_SIGNERS', { newest: { header, signatures: signatures.slice(1) } })
    refuses('MALFORMED', { newest: { header, signatures: [signatures[0]!, ...signatures] } })
    refuses('MALFORMED', { newest: { header, signatures: [...signatures, { ...signatures[0]!, seat: 4 }] } })
    refuses(
      'TOO_FEW_SIGNERS',
      withRecord(3, (record) => ({ ...record, signatures: record.signatures.slice(1) })),
    )

    // Nine seats of which four only vote: with two of the others they are a quorum, and three that hold the payload are needed.
    const voters = committeeWith(
      { n: 9, f: 1, c: 1, p: 0 },
      [0, 1, 2, 3, 4, 5, 6, 7, 8],
      Array.from({ length: 9 }, (_, seat) => (seat < 5 ? 'full' : 'vote-witness')),
    )
    const history = new HistoryTree()
    history.append(blockDigest(1))
    const trusted = headerOf(LEDGER, 0, 1, voters.committee, history)
    const trust = { ...root, committee: voters.committee.hash, checkpoint: checkpointDigest(trusted) }
    const start = { committee: voters.committee, trusted, consistency: [] }
    const newest = certify(LEDGER, trusted, voters)
    const enough = [{ seat: 1, signature: signStatement(LEDGER, voters.signers[1]!, checkpointStatement(trusted)) }, ...newest.signatures]
    refuses('TOO_FEW_HOLDERS', { ...start, epochs: [], newest }, trust)
    assert.equal(followChain(trust, NOW, verifier, { ...start, epochs: [], newest: { ...newest, signatures: enough } }).checkpoint, trusted)
    const record = recordOf(LEDGER, 0, voters, voters)
    refuses('TOO_FEW_HOLDERS', { ...start, epochs: [record], newest }, trust)
  })

  it('refuses a history that is another', () => {
    refuses('HISTORY_REWRITTEN', { consistency: [] })
    refuses('HISTORY_REWRITTEN', { consistency: proof.consistency.toReversed() })
    const history = new HistoryTree()
    for (let height = 101; height <= 120; height++) history.append(blockDigest(height))
    const header = headerOf(LEDGER, 4, 20, committees.at(-1)!.committee, history)
    refuses('HISTORY_REWRITTEN', { newest: certify(LEDGER, header, committees.at(-1)!), consistency: history.consistency(1) })
  })

  it('refuses to go back', () => {
    const old = { ...proof.newest.header, height: 5, stateHeight: 4 }
    refuses('HISTORY_REWRITTEN', { newest: certify(LEDGER, old, committees.at(-1)!) })
  })
})

describe('what a light client is handed', () => {
  const bytes = encodeLightProof(proof)

  it('comes back as it was', () => {
    assert.deepEqual(encodeLightProof(decodeLightProof(bytes)), bytes)
    assert.equal(followChain(root, NOW, verifier, decodeLightProof(bytes)).checkpoint.height, proof.newest.header.height)
    const record = encodeEpochRecord(proof.epochs[0]!)
    assert.deepEqual(encodeEpochRecord(decodeEpochRecord(record)), record)
    const checkpoint = encodeCheckpoint(proof.newest)
    assert.deepEqual(encodeCheckpoint(decodeCheckpoint(checkpoint)), checkpoint)
  })

  it('is refused when cut off, longer, or changed in any byte', () => {
    for (let end = 0; end < bytes.byteLength; end += 13) assert.throws(() => decodeLightProof(bytes.subarray(0, end)), LedgerError)
    assert.throws(() => decodeLightProof(Buffer.concat([bytes, Uint8Array.of(0)])), LedgerError)
    const small = chainOf('single', 1)
    const encoded = encodeLightProof(small.proof)
    for (let at = 0; at < encoded.byteLength; at++) {
      const changed = new Uint8Array(encoded)
      changed[at]! ^= 1
      assert.throws(() => followChain(small.root, NOW, verifier, decodeLightProof(changed)), LedgerError, `byte ${at}`)
    }
  })
})
