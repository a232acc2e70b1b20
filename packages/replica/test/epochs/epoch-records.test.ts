import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import {
  type Committee,
  createCommittee,
  ed25519Signer,
  ed25519Verifier,
  type EpochRecord,
  type EpochStart,
  epochStatement,
  type LogRecord,
  PRESETS,
  type Signer,
  signReady,
  signStatement,
  taggedDigest,
} from '@cairn/ledger'
import { ManualClock } from '@cairn/runtime/testing'
import type { EpochMessage } from '../../src/epochs/epoch-message.ts'
import { EpochRecords } from '../../src/epochs/epoch-records.ts'
import { EpochStore } from '../../src/epochs/epoch-store.ts'
import { genesisPoint } from '../../src/genesis.ts'
import { LEDGER } from '../replicas.ts'

const SIGNERS = [1, 2, 3, 4, 5].map((key) => ed25519Signer(new Uint8Array(32).fill(key)))

/** Three seats by the numbers of their keys. */
function committeeOf(...keys: readonly number[]): Committee {
  return createCommittee(
    PRESETS['cft-3'],
    keys.map((key) => ({ peer: `p${key}`, publicKey: SIGNERS[key]!.publicKey, role: 'full' as const })),
  )
}

const COMMITTEES = [committeeOf(0, 1, 2), committeeOf(0, 1, 3), committeeOf(0, 4, 3)]
const STARTS: readonly EpochStart[] = COMMITTEES.map((committee, number) => ({
  number,
  committee,
  base:
    number === 0
      ? genesisPoint(LEDGER, committee)
      : { ...genesisPoint(LEDGER, committee), digest: taggedDigest('end', Uint8Array.of(number)), slot: number * 10, height: number * 8 },
}))
/** Who joins after each epoch. */
const JOINERS = [3, 4]

/** What the log says of the end of `epoch`. */
function ending(epoch: number): readonly LogRecord[] {
  const { hash } = COMMITTEES[epoch + 1]!
  const signer = SIGNERS[JOINERS[epoch]!]!
  const ready = { epoch, committee: hash, publicKey: signer.publicKey, signature: signReady(LEDGER, signer, epoch, hash) }
  return [
    { type: 'ready', ready },
    { type: 'epoch', start: STARTS[epoch + 1]! },
  ]
}

describe('the records of epochs', () => {
  let home = ''
  let paths = 0
  before(() => {
    home = mkdtempSync(join(tmpdir(), 'cairn-records-'))
  })
  after(() => rmSync(home, { recursive: true, force: true }))

  /** A replica with these keys, from the first epoch on; the same `path` is the same one after a crash. */
  const replica = (keys: readonly number[], path = join(home, `${paths++}.db`)) => {
    const clock = new ManualClock()
    const store = new EpochStore(path)
    const sent: { readonly to: readonly string[]; readonly message: EpochMessage }[] = []
    const erased = new Set<Signer>()
    const signers = keys.map((key) => SIGNERS[key]!)
    const records = new EpochRecords({
      path: 'epochs.db',
      ledger: LEDGER,
      genesis: COMMITTEES[0]!,
      verifier: ed25519Verifier(),
      store,
      clock,
      start: STARTS[0]!,
      signerOf: (publicKey) => signers.find((signer) => !erased.has(signer) && Buffer.compare(signer.publicKey, publicKey) === 0),
      send: (to, message) => sent.push({ to, message }),
    })
    const asked = (): number[] => sent.flatMap(({ message }) => (message.type === 'ask' ? [message.epoch] : []))
    const said = (): EpochRecord[] => sent.flatMap(({ message }) => (message.type === 'record' ? [message.record] : []))
    return { path, clock, store, sent, records, asked, said, erase: (key: number): unknown => erased.add(SIGNERS[key]!) }
  }
  type TestReplica = ReturnType<typeof replica>

  const end = ({ records }: TestReplica, epoch: number): void => {
    for (const record of ending(epoch)) records.note(record)
    records.started()
  }
  const tell = (to: TestReplica, record: EpochRecord): void => to.records.hear('p9', { type: 'record', record })

  it('are signed by who ends an epoch, told to both committees, and complete with a quorum', async () => {
    const [a, b] = [replica([0]), replica([1])]
    for (const each of [a, b]) end(each, 0)
    assert.deepEqual(a.sent[0]?.to, ['p0', 'p1', 'p2', 'p3'])
    assert.equal(a.records.provenEpoch, 0)
    assert.equal(a.records.between(0, 1), undefined)
    tell(a, b.said()[0]!)
    assert.equal(a.records.provenEpoch, 1)
    assert.equal(a.records.between(0, 1)?.length, 1)
    // Nobody is asked any more.
    const count = a.asked().length
    await a.clock.advance(10_000)
    assert.equal(a.asked().length, count)
  })

  it('are asked for until they are complete, of whoever may have them', async () => {
    const a = replica([0])
    end(a, 0)
    await a.clock.advance(1000)
    await a.clock.advance(1000)
    assert.deepEqual(a.asked(), [0, 0, 0])
    a.records.hear('p7', { type: 'ask', epoch: 0 })
    a.records.hear('p7', { type: 'ask', epoch: 3 })
    assert.deepEqual(a.sent.at(-1), { to: ['p7'], message: { type: 'record', record: a.store.get(0)!.record } })
    a.records.stop()
    await a.clock.advance(5000)
    assert.equal(a.asked().length, 3)
  })

  it('outlive a crash between the end of an epoch and its signature, which is made before the key is erased', () => {
    const a = replica([0])
    for (const record of ending(0)) a.records.note(record)
    a.store.close()
    // Whatever the crash took of it, the log says again.
    const again = replica([0], a.path)
    end(again, 0)
    assert.deepEqual(
      again.said().map(({ signatures, ready }) => [signatures.map(({ seat }) => seat), ready.map(({ seat }) => seat)]),
      [[[0], [2]]],
    )
    again.store.close()
    const without = replica([0], a.path)
    without.erase(0)
    end(without, 0)
    assert.deepEqual(without.said(), [], 'an erased key signs no more')
    assert.deepEqual(without.store.get(0)?.record.signatures.length, 1, 'and what it signed is kept')
  })

  it('are learnt by who was not there, one after the other, and only if a light client would believe them', () => {
    const all = [0, 1].map((epoch) => completeRecord(epoch))
    const late = replica([])
    // It starts from what others have certified in the third epoch.
    for (const start of [STARTS[2]!]) late.records.note({ type: 'epoch', start })
    late.records.started()
    assert.deepEqual(late.asked(), [0])
    tell(late, all[1]!)
    tell(late, { ...all[0]!, signatures: all[0]!.signatures.slice(1) })
    tell(late, { ...all[0]!, ready: [] })
    tell(late, { ...all[0]!, endHeight: 9 })
    assert.equal(late.records.provenEpoch, 0)
    tell(late, all[0]!)
    assert.deepEqual(late.asked(), [0, 1])
    tell(late, all[1]!)
    assert.equal(late.records.provenEpoch, 2)
    assert.deepEqual(late.records.between(0, 2), all)
    assert.deepEqual(late.records.between(1, 2), all.slice(1))
    assert.deepEqual(late.records.between(2, 2), [])
    assert.deepEqual(late.records.between(0, 1), all.slice(0, 1))
    // And they are there after a restart.
    late.store.close()
    assert.equal(replica([], late.path).records.provenEpoch, 2)
  })

  it('take nothing that says another end, or that no seat signed', () => {
    const a = replica([0])
    end(a, 0)
    const good = completeRecord(0)
    const kept = a.store.get(0)
    const forged = good.signatures.map(({ seat }) => ({ seat, signature: new Uint8Array(64).fill(9) }))
    for (const bad of [
      { ...good, endBlock: taggedDigest('another') },
      { ...good, signatures: forged },
    ])
      tell(a, bad)
    assert.deepEqual(a.store.get(0), kept)
    tell(a, good)
    assert.equal(a.store.get(0)?.isComplete, true)
  })

  /** As two seats of the committee that ends make it. */
  function completeRecord(epoch: number): EpochRecord {
    const [from, next] = [STARTS[epoch]!, STARTS[epoch + 1]!]
    const only = replica([])
    for (let each = 0; each <= epoch; each++) for (const record of ending(each)) only.records.note(record)
    const { record } = only.store.get(epoch)!
    const statement = epochStatement(record)
    const signatures = [0, 1].map((seat) => {
      const signer = SIGNERS.find(({ publicKey }) => Buffer.compare(publicKey, from.committee.members[seat]!.publicKey) === 0)!
      return { seat, signature: new Uint8Array(signStatement(LEDGER, signer, statement)) }
    })
    assert.equal(record.nextCommittee, next.committee.hash)
    return { ...record, signatures }
  }
})
