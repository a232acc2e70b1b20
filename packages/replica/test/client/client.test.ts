import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { checkpointDigest, ed25519Verifier, followChain } from '@cairn/ledger'
import { startClientServer } from '../../src/client/client-server.ts'
import { LedgerClient } from '../../src/client/ledger-client.ts'
import { genesisHeader } from '../../src/genesis.ts'
import { LEDGER, put, TestReplicas } from '../replicas.ts'

describe('a client of a replica', { timeout: 60_000 }, () => {
  it('submits, reads with a proof, and follows the chain', async () => {
    await using ledger = new TestReplicas('single')
    await ledger.startAll()
    await using server = await startClientServer({ replica: ledger.running[0]!, host: '127.0.0.1', port: 0 })
    const client = new LedgerClient(server.url)
    const key = Buffer.from('name')
    const early = await client.status()
    if (early.checkpointHeight === null) await assert.rejects(client.lightProof(), /404/)
    const operation = put('name', 'one')
    const outcome = await client.submit(operation)
    assert.ok(outcome.type === 'final' && outcome.result.type === 'applied' && !outcome.result.isRepeat)
    const again = await client.submit(operation)
    assert.ok(again.type === 'final' && again.result.type === 'applied' && again.result.isRepeat)
    const read = await client.read(key)
    assert.equal(Buffer.from(read.value ?? []).toString(), 'one')
    assert.equal(read.level, 'local')
    const final = await client.read(key, undefined, 'final')
    assert.equal(final.level, 'final')
    assert.ok(final.height >= read.height)
    assert.equal(Buffer.from(final.value ?? []).toString(), 'one')
    assert.equal((await client.read(Buffer.from('other'))).value, undefined)
    while (((await client.status()).checkpointHeight ?? 0) < 8) await client.submit(put('name', 'more'))
    const trusted = checkpointDigest(genesisHeader(LEDGER, ledger.committee))
    const root = { ...LEDGER, epoch: 0, committee: ledger.committee.hash, checkpoint: trusted, notAfter: 1 }
    const { checkpoint } = followChain(root, 0, ed25519Verifier(), await client.lightProof())
    assert.ok(checkpoint.height >= 8)
  })

  it('is refused a final read where there is no quorum, and is told so', async () => {
    await using ledger = new TestReplicas('cft-3')
    await ledger.startAll()
    await ledger.running[0]!.submit(put('name', 'one'))
    await ledger.stop(1)
    await ledger.stop(2)
    const replica = ledger.running[0]!
    await using server = await startClientServer({ replica, host: '127.0.0.1', port: 0 })
    const client = new LedgerClient(server.url)
    const refused = assert.rejects(client.read(Buffer.from('name'), undefined, 'final'), /answers 503: no quorum/)
    await ledger.until(() => replica.load.readersWaiting === 1)
    assert.equal(Buffer.from((await client.read(Buffer.from('name'))).value ?? []).toString(), 'one')
    await replica.stop()
    await refused
  })

  it('is told what it did wrong', async () => {
    await using ledger = new TestReplicas('single')
    await ledger.startAll()
    await using server = await startClientServer({ replica: ledger.running[0]!, host: '127.0.0.1', port: 0 })
    const post = async (body: string): Promise<number> => (await fetch(`${server.url}/v1/submit`, { method: 'POST', body })).status
    assert.equal(await post('nothing'), 400)
    assert.equal(await post('{}'), 400)
    assert.equal(await post('{"id":1,"body":""}'), 400)
    assert.equal(await post(`{"id":"a","body":"${'a'.repeat(70_000)}"}`), 400)
    assert.equal((await fetch(`${server.url}/v1/read?key=a&level=newest`)).status, 400)
    assert.equal((await fetch(`${server.url}/v1/nowhere`)).status, 404)
    const outcome = await new LedgerClient(server.url).submit({ id: 'made up', body: new Uint8Array(200) })
    assert.equal(outcome.type, 'invalid')
  })
})
