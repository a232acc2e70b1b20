import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { CairnProcess } from './cairn-process.ts'

describe('cairn ledger reconfigure', { timeout: 120_000 }, () => {
  let home = ''
  before(async () => {
    home = await mkdtemp(join(tmpdir(), 'cairn-epochs-'))
  })
  after(() => rm(home, { recursive: true, force: true }))

  const cairn = (...args: readonly string[]): CairnProcess => new CairnProcess({ args: ['ledger', ...args, '--json'] })

  it('replaces one of three replicas, whose key is erased, and a light client follows from the first committee', async () => {
    const directory = join(home, 'three')
    {
      await using made = cairn('init', directory, '--preset', 'cft-3')
      await made.succeeded()
    }
    const run = (seat: number, ...peers: readonly unknown[]): CairnProcess =>
      cairn('run', directory, '--seat', String(seat), ...peers.flatMap((peer) => ['--peer', String(peer)]))
    await using first = run(0)
    const { address: at0 } = await first.event('listening')
    const { url } = await first.event('clients')
    await using second = run(1, at0)
    const { address: at1 } = await second.event('listening')
    await using third = run(2, at0, at1)
    const { url: thirdUrl } = await third.event('clients')

    const write = async (to: unknown, value: string): Promise<void> => {
      await using submitting = cairn('submit', String(to), 'name', value)
      assert.equal((await submitting.event('submitted'))['result'], 'applied')
      await submitting.succeeded()
    }
    const statusOf = async (of: unknown): Promise<Record<string, unknown>> =>
      (await (await fetch(`${String(of)}/v1/status`)).json()) as Record<string, unknown>
    await write(url, 'one')

    await using keyed = cairn('new-key', directory, '--seat', '3')
    const { peer, publicKey } = await keyed.event('seat-key')
    await keyed.succeeded()
    await using fourth = run(3, at0, at1)
    const { url: fourthUrl } = await fourth.event('clients')
    assert.equal((await statusOf(fourthUrl))['seat'], null)
    await using changing = cairn('reconfigure', directory, String(url), '--replace', `2=${String(peer)}/${String(publicKey)}`)
    await changing.succeeded()
    for (const each of [first, second, third, fourth]) assert.match(String((await each.event('reconfigure'))['outcome']), /told|late/)
    // What is wanted is forgotten last.
    const isOver = async (of: unknown): Promise<boolean> => {
      const { epoch, wanted } = await statusOf(of)
      return epoch === 1 && wanted === null
    }
    for (const each of [url, thirdUrl, fourthUrl]) while (!(await isOver(each))) await new Promise((resolve) => setTimeout(resolve, 50))
    assert.equal((await statusOf(fourthUrl))['seat'], 2)
    await using left = new CairnProcess({ args: ['ledger', 'status', String(thirdUrl)] })
    await left.succeeded()
    assert.match(left.stdout, /epoch 1, .*; no seat: removed after epoch 0, signs nothing/)
    assert.equal(existsSync(join(directory, 'seat-2', 'seat.key')), false)
    assert.equal(existsSync(join(directory, 'seat-0', 'seat.key')), true)

    // Without the one that left, and another one, the one that came is needed.
    await third.kill()
    await second.kill()
    await write(fourthUrl, 'two')
    await using reading = cairn('read', String(url), 'name')
    assert.equal((await reading.event('read'))['value'], 'two')
    const verified = async (): Promise<boolean> => {
      await using verifying = cairn('verify-checkpoint', String(fourthUrl), '--trust', join(directory, 'trust.json'))
      const { epoch } = await verifying.event('checkpoint')
      await verifying.succeeded()
      return epoch === 1
    }
    while (!(await verified())) await write(url, 'three')

    // It stays removed, and says so again.
    await using back = run(2, at0)
    const { url: backUrl } = await back.event('clients')
    assert.deepEqual((({ seat, removedAfter }) => ({ seat, removedAfter }))(await statusOf(backUrl)), { seat: null, removedAfter: 0 })
    assert.equal((await back.event('reconfigure'))['outcome'], 'late')
    assert.equal((await first.stop()).exitCode, 0)
  })
})
