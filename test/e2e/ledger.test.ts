import assert from 'node:assert/strict'
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { CairnProcess } from './cairn-process.ts'

describe('cairn ledger', () => {
  let home = ''
  before(async () => {
    home = await mkdtemp(join(tmpdir(), 'cairn-ledger-'))
  })
  after(() => rm(home, { recursive: true, force: true }))

  const cairn = (...args: readonly string[]): CairnProcess => new CairnProcess({ args: ['ledger', ...args, '--json'] })

  it('makes a ledger of three seats that keeps what was acknowledged when two are killed, one after the other', async () => {
    const directory = join(home, 'three')
    {
      await using made = cairn('init', directory, '--preset', 'cft-3')
      await made.succeeded()
    }
    const run = (seat: number, ...peers: readonly unknown[]): CairnProcess =>
      cairn('run', directory, '--seat', String(seat), ...peers.flatMap((peer) => ['--peer', String(peer)]))
    await using first = cairn('run', directory, '--seat', '0', '--http', '127.0.0.1:0')
    const { address: at0 } = await first.event('listening')
    const { url } = await first.event('clients')
    await using second = run(1, at0)
    const { address: at1 } = await second.event('listening')
    await using third = run(2, at0, at1)
    await third.event('clients')

    const write = async (value: string): Promise<void> => {
      await using submitting = cairn('submit', String(url), 'name', value)
      const { result } = await submitting.event('submitted')
      assert.equal(result, 'applied')
      await submitting.succeeded()
    }
    await write('one')
    const { url: observed } = await first.event('http')
    assert.equal((await fetch(`${String(observed)}/readyz`)).status, 200)
    const metrics = await (await fetch(`${String(observed)}/metrics`)).text()
    assert.match(metrics, /cairn_ledger_final_height [1-9]/)
    assert.match(metrics, /cairn_ledger_submit_seconds_count\{outcome="final"\} 1/)
    assert.match(metrics, /cairn_ledger_finality_seconds_count\{path="(fast|slow)"\} [1-9]/)
    assert.match(metrics, /cairn_ledger_fsync_seconds_count [1-9]/)
    await using shown = new CairnProcess({ args: ['status', String(observed)] })
    await shown.succeeded()
    assert.match(shown.stdout, /^replica at .*: ready, it serves height [1-9]/)
    assert.match(shown.stdout, /SEAT {2}PEER {2,}STATE/)
    await third.kill()
    await write('two')
    await using back = run(2, at0, at1)
    const { url: thirdUrl } = await back.event('clients')
    await second.kill()
    await write('three')
    await using reading = cairn('read', String(url), 'name')
    const read = await reading.event('read')
    assert.deepEqual([read['value'], read['level']], ['three', 'final'])
    assert.ok(Number(read['height']) > 0)
    // Whichever replica is asked, and however it was away.
    await using elsewhere = cairn('read', String(thirdUrl), 'name', '--level', 'final')
    assert.equal((await elsewhere.event('read'))['value'], 'three')
    await using local = cairn('read', String(url), 'name', '--level', 'local')
    assert.deepEqual((await local.event('read'))['level'], 'local')
    await using status = cairn('status', String(thirdUrl))
    assert.ok(Number((await status.event('ledger-status'))['height']) > 0)

    await using verifying = cairn('verify-checkpoint', String(url), '--trust', join(directory, 'trust.json'))
    assert.ok(Number((await verifying.event('checkpoint'))['height']) >= 1)
    await verifying.succeeded()

    const forged = join(home, 'forged.json')
    const trust = JSON.parse(await readFile(join(directory, 'trust.json'), 'utf8')) as Record<string, unknown>
    await writeFile(forged, JSON.stringify({ ...trust, committee: '00'.repeat(32) }))
    await using refusing = cairn('verify-checkpoint', String(url), '--trust', forged)
    assert.equal((await refusing.exit()).exitCode, 3)
    assert.equal((await first.stop()).exitCode, 0)
  })

  // Goal: a damaged state does not end its seat: it is made again with nobody looking, and the seat votes, where it is needed for a quorum.
  it('goes on with a seat whose state is damaged, by itself and with its key', async () => {
    const directory = join(home, 'damaged')
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
    await third.event('clients')
    const write = async (value: string): Promise<void> => {
      await using submitting = cairn('submit', String(url), 'name', value)
      assert.equal((await submitting.event('submitted'))['result'], 'applied')
      await submitting.succeeded()
    }
    for (const value of ['one', 'two', 'three', 'four']) await write(value)
    await third.stop()
    const state = join(directory, 'seat-2', 'state.db')
    await writeFile(state, Buffer.alloc(4096, 7))
    await using back = run(2, at0, at1)
    await back.event('clients')
    assert.match(back.stderr, /"event":"ledger-state-set-aside".*state\.db is damaged: file is not a database/)
    await second.kill()
    await write('five')
    assert.deepEqual(
      (await readdir(join(directory, 'seat-2'))).filter((name) => name.startsWith('damaged')),
      ['damaged.db'],
    )
    assert.ok(!(await readdir(join(directory, 'seat-2'))).includes('state.damaged'))
  })

  it('says what is wrong with the directory or the seat that it is given', async () => {
    const directory = join(home, 'one')
    const outcome = async (...args: readonly string[]): Promise<readonly unknown[]> => {
      await using given = cairn(...args)
      const { exitCode } = await given.exit()
      return [exitCode, given.stderr.split('\n')[0]]
    }
    assert.equal((await outcome('init', directory))[0], 0)
    assert.deepEqual(await outcome('init', directory), [5, `cairn: ${directory} holds a ledger, or a part of one`])
    assert.deepEqual(await outcome('run', directory, '--seat', '1'), [2, `cairn: ${directory} has no seat-1`])
  })
})
