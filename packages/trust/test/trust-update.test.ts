import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { checkFreshness, initialTrust, knownLedgers, newTargets, releases, type TrustState, TrustUpdate } from '../src/index.ts'
import { assertFault } from './assert-fault.ts'
import { amend, KEYS, NEXT_YEAR, NOW, only, release, Repository, update } from './repository.ts'

describe('a refresh', () => {
  it('goes from a root to the releases of a ledger', () => {
    const repository = new Repository()
    const asked: string[] = []
    const state = update(initialTrust(repository.root, NOW), repository.files, { asked })
    assert.deepEqual(asked, ['2.root.json', 'timestamp.json', 'snapshot.json', 'targets.json', 'alpha.json'])
    assert.deepEqual(releases(state, 'alpha'), [release('alpha', 1, ['stable']), release('alpha', 2, ['canary'])])
    assert.deepEqual(knownLedgers(state), ['alpha', 'beta'])
    checkFreshness(state, NOW)
  })

  it('asks for nothing after a timestamp that it knows, and gives the very same state', () => {
    const repository = new Repository()
    const state = update(initialTrust(repository.root, NOW), repository.files)
    const asked: string[] = []
    assert.equal(update(state, repository.files, { asked }), state)
    assert.deepEqual(asked, ['2.root.json', 'timestamp.json'])
  })

  it('fetches only a ledger that it lacks under a known timestamp, and keeps the others', () => {
    const repository = new Repository()
    const state = update(initialTrust(repository.root, NOW), repository.files)
    const asked: string[] = []
    const both = update(state, repository.files, { ledgers: ['beta'], asked })
    assert.deepEqual(asked, ['2.root.json', 'timestamp.json', 'beta.json'])
    assert.deepEqual(Object.keys(both.ledgers).sort(), ['alpha', 'beta'])
  })

  it('fetches only what changed', () => {
    const repository = new Repository()
    const state = update(initialTrust(repository.root, NOW), repository.files, { ledgers: ['alpha', 'beta'] })
    repository.add(release('alpha', 3, ['stable']))
    repository.publish()
    const asked: string[] = []
    const later = update(state, repository.files, { ledgers: ['beta', 'alpha', 'beta'], asked })
    assert.deepEqual(asked, ['2.root.json', 'timestamp.json', 'snapshot.json', 'alpha.json'])
    assert.deepEqual(later.ledgers['beta'], state.ledgers['beta'])
    assert.deepEqual(
      releases(later, 'alpha').map(({ height, channels }) => [height, channels]),
      [
        [1, []],
        [2, ['canary']],
        [3, ['stable']],
      ],
    )
  })

  it('drops a stored ledger that is out of date and was not asked for', () => {
    const repository = new Repository()
    const state = update(initialTrust(repository.root, NOW), repository.files, { ledgers: ['alpha', 'beta'] })
    repository.add(release('beta', 8))
    repository.publish()
    assert.deepEqual(Object.keys(update(state, repository.files).ledgers), ['alpha'])
  })

  it('foresees what it will ask for, and never what it may not need', () => {
    const repository = new Repository()
    const told = (state: TrustState): { readonly asked: string[]; readonly foreseen: (readonly string[])[] } => {
      const machine = new TrustUpdate(state, NOW, ['alpha'])
      const asked: string[] = []
      const foreseen: (readonly string[])[] = []
      for (let next = machine.next(); !('done' in next); next = machine.next()) {
        asked.push(next.file)
        foreseen.push(machine.foreseen())
        machine.supply(next.file, repository.files[next.file])
      }
      return { asked, foreseen }
    }
    const first = told(initialTrust(repository.root, NOW))
    for (const [at, files] of first.foreseen.entries()) assert.deepEqual(files, first.asked.slice(at + 1))
    const state = update(initialTrust(repository.root, NOW), repository.files)
    assert.deepEqual(told(state).foreseen, [['timestamp.json'], []])
    repository.add(release('alpha', 3, ['stable']))
    repository.publish()
    const later = told(state)
    for (const [at, files] of later.foreseen.entries()) for (const file of files) assert.ok(later.asked.slice(at + 1).includes(file), file)
  })

  it('takes the same file from another source after one was refused', () => {
    const repository = new Repository()
    const machine = new TrustUpdate(initialTrust(repository.root, NOW), NOW, ['alpha'])
    machine.supply('2.root.json', undefined)
    assertFault(() => machine.supply('timestamp.json', Buffer.from('{}')), { code: 'MALFORMED', file: 'timestamp.json' })
    assertFault(() => machine.supply('timestamp.json', undefined), { code: 'MISSING', file: 'timestamp.json' })
    machine.supply('timestamp.json', repository.files['timestamp.json'])
    assert.deepEqual(machine.next(), { file: 'snapshot.json', bytesMax: repository.files['snapshot.json']!.byteLength })
  })

  it('treats a file that was not asked for as a mistake of the caller', () => {
    const repository = new Repository()
    const machine = new TrustUpdate(initialTrust(repository.root, NOW), NOW, ['alpha'])
    assert.throws(() => machine.supply('timestamp.json', repository.files['timestamp.json']), { name: 'AssertionError' })
  })

  it('says which file no source has', () => {
    for (const file of ['timestamp.json', 'snapshot.json', 'targets.json', 'alpha.json']) {
      const repository = new Repository()
      delete repository.files[file]
      assertFault(() => update(initialTrust(repository.root, NOW), repository.files), { code: 'MISSING', file })
    }
  })

  it('names the ledgers there are if one is unknown', () => {
    const repository = new Repository()
    for (const ledger of ['gamma', 'constructor', '../etc', 'targets']) {
      const wanted = { code: 'UNKNOWN_LEDGER', ledger, known: ['alpha', 'beta'] } as const
      assertFault(() => update(initialTrust(repository.root, NOW), repository.files, { ledgers: [ledger] }), wanted)
    }
  })

  it('knows a ledger only once it is listed', () => {
    const repository = new Repository()
    const ledgers = { alpha: only(KEYS.alpha), beta: only(KEYS.beta), gamma: only(KEYS.spare) }
    repository.files['targets.json'] = newTargets({
      previous: repository.files['targets.json']!,
      ledgers,
      expiresAt: NEXT_YEAR,
      signers: [KEYS.targets],
    })
    repository.publish()
    assertFault(() => update(initialTrust(repository.root, NOW), repository.files, { ledgers: ['gamma'] }), {
      code: 'UNKNOWN_LEDGER',
      known: ['alpha', 'beta'],
    })
  })

  it('can be asked for no ledger', () => {
    const repository = new Repository()
    const state = update(initialTrust(repository.root, NOW), repository.files, { ledgers: [] })
    assert.deepEqual(knownLedgers(state), ['alpha', 'beta'])
    assertFault(() => releases(state, 'alpha'), { code: 'UNKNOWN_LEDGER', known: [] })
  })
})

describe('a refresh of all ledgers', () => {
  it('takes each that there is', () => {
    const repository = new Repository()
    const state = update(initialTrust(repository.root, NOW), repository.files, { ledgers: 'all' })
    assert.deepEqual(Object.keys(state.ledgers), ['alpha', 'beta'])
  })

  it('leaves out one that is not to be had', () => {
    const repository = new Repository()
    const { 'alpha.json': _, ...files } = repository.files
    assert.deepEqual(Object.keys(update(initialTrust(repository.root, NOW), files, { ledgers: 'all' }).ledgers), ['beta'])
  })

  it('leaves out a stored one that has expired', () => {
    const repository = new Repository()
    repository.files['alpha.json'] = amend(repository.files['alpha.json']!, { version: 3, expires: '2027-01-01T00:00:10Z' }, [KEYS.alpha])
    repository.publish()
    const state = update(initialTrust(repository.root, NOW), repository.files, { ledgers: 'all' })
    assert.deepEqual(Object.keys(state.ledgers), ['alpha', 'beta'])
    const { 'alpha.json': _, ...files } = repository.files
    assert.deepEqual(Object.keys(update(state, files, { ledgers: 'all', now: NOW + 10_000 }).ledgers), ['beta'])
    assertFault(() => update(state, files, { now: NOW + 10_000 }), { code: 'EXPIRED', file: 'alpha.json' })
  })
})
