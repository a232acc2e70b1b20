import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { checkFreshness, initialTrust, knownLedgers, newRoot, newTargets, releases, TrustUpdate } from '../src/index.ts'
import { assertFault } from './assert-fault.ts'
import { amend, fields, KEYS, NEXT_YEAR, NOW, only, release, Repository, ROLES, signAnything, TOMORROW, update } from './repository.ts'

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
    repository.files['targets.json'] = newTargets({ previous: repository.files['targets.json']!, ledgers, expiresAt: NEXT_YEAR, signers: [KEYS.targets] })
    repository.publish()
    assertFault(() => update(initialTrust(repository.root, NOW), repository.files, { ledgers: ['gamma'] }), { code: 'UNKNOWN_LEDGER', known: ['alpha', 'beta'] })
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

describe('the chain of roots', () => {
  it('is followed to its end, and both neighbours must agree', () => {
    const repository = new Repository()
    const first = repository.root
    repository.rotate({ ...ROLES, root: only(KEYS.spare) }, [KEYS.root, KEYS.spare])
    repository.rotate({ ...ROLES, root: only(KEYS.spare) }, [KEYS.spare])
    const asked: string[] = []
    const state = update(initialTrust(first, NOW), repository.files, { asked })
    assert.deepEqual(asked.slice(0, 3), ['2.root.json', '3.root.json', '4.root.json'])
    assert.deepEqual(state.root, repository.root)
    // The root that was reached can be begun from, by someone who never saw the first.
    update(initialTrust(repository.root, NOW), repository.files)
  })

  it('is refused if the old or the new owner did not sign', () => {
    for (const signers of [[KEYS.root], [KEYS.spare], []]) {
      const repository = new Repository()
      const first = repository.root
      repository.rotate({ ...ROLES, root: only(KEYS.spare) }, signers)
      assertFault(() => update(initialTrust(first, NOW), repository.files), { code: 'FORGED', file: '2.root.json', role: 'root', found: 0, wanted: 1 })
    }
  })

  it('cannot skip or repeat a version', () => {
    const repository = new Repository()
    const first = repository.root
    repository.rotate(ROLES, [KEYS.root])
    repository.rotate(ROLES, [KEYS.root])
    const skipping = { ...repository.files, '2.root.json': repository.root }
    assertFault(() => update(initialTrust(first, NOW), skipping), { code: 'MIXED', file: '2.root.json', found: '3', wanted: '2' })
    const repeating = { ...repository.files, '2.root.json': first }
    assertFault(() => update(initialTrust(first, NOW), repeating), { code: 'ROLLED_BACK', file: '2.root.json', found: 1, wanted: 2 })
  })

  it('may pass through an expired root but not end in one', () => {
    const repository = new Repository()
    const first = repository.root
    repository.rotate(ROLES, [KEYS.root], NOW - 1000)
    assertFault(() => update(initialTrust(first, NOW), repository.files), { code: 'EXPIRED', file: '2.root.json', expiresAt: NOW - 1000, now: NOW })
    repository.rotate(ROLES, [KEYS.root])
    update(initialTrust(first, NOW), repository.files)
  })

  it('is followed for a bounded number of steps in one refresh, and on from there in the next', () => {
    const repository = new Repository()
    const first = repository.root
    for (let version = 2; version <= 70; version++) repository.rotate(ROLES, [KEYS.root])
    const state = update(initialTrust(first, NOW), repository.files)
    assert.equal(fields(state.root)['version'], 65)
    assert.equal(fields(update(state, repository.files).root)['version'], 70)
  })

  it('lets everyone recover after a stolen timestamp key signed the highest version', () => {
    const repository = new Repository()
    const first = repository.root
    repository.files['timestamp.json'] = amend(repository.files['timestamp.json']!, { version: Number.MAX_SAFE_INTEGER }, [KEYS.timestamp])
    const poisoned = update(initialTrust(first, NOW), repository.files)

    repository.rotate({ ...ROLES, timestamp: only(KEYS.spare) }, [KEYS.root])
    repository.files['timestamp.json'] = amend(repository.files['timestamp.json']!, { version: 9 }, [KEYS.spare])
    assert.equal(fields(update(poisoned, repository.files).timestamp!)['version'], 9)
  })

  it('keeps the versions seen while no role loses a key', () => {
    const repository = new Repository()
    const old = repository.copy()
    repository.publish()
    const state = update(initialTrust(repository.root, NOW), repository.files)
    repository.rotate({ ...ROLES, timestamp: { keys: [KEYS.timestamp, KEYS.spare], threshold: 1 } }, [KEYS.root])
    const replayed = { ...repository.files, 'timestamp.json': old['timestamp.json']! }
    assertFault(() => update(state, replayed), { code: 'ROLLED_BACK', file: 'timestamp.json' })
    update(state, repository.files)
  })

  it('is remembered even if the rest of the refresh fails', () => {
    const repository = new Repository()
    const state = update(initialTrust(repository.root, NOW), repository.files)
    repository.rotate({ ...ROLES, timestamp: only(KEYS.spare) }, [KEYS.root])
    const machine = new TrustUpdate(state, NOW, ['alpha'])
    assert.equal(machine.accepted, state)
    machine.supply('2.root.json', repository.root)
    machine.supply('3.root.json', undefined)
    assertFault(() => machine.supply('timestamp.json', repository.files['timestamp.json']), { code: 'FORGED', file: 'timestamp.json' })
    assert.deepEqual(machine.accepted, { root: repository.root, ledgers: {} })
  })
})

describe('a threshold', () => {
  const roles = { ...ROLES, timestamp: { keys: [KEYS.timestamp, KEYS.spare], threshold: 2 } }
  const begin = (): Repository => {
    const repository = new Repository()
    repository.files['root.json'] = newRoot({ roles, expiresAt: NEXT_YEAR, signers: [KEYS.root] })
    return repository
  }

  it('is met by as many different keys', () => {
    const repository = begin()
    repository.files['timestamp.json'] = amend(repository.files['timestamp.json']!, {}, [KEYS.timestamp, KEYS.spare])
    update(initialTrust(repository.root, NOW), repository.files)
  })

  it('is not met by fewer', () => {
    const repository = begin()
    const wanted = { code: 'FORGED', role: 'timestamp', found: 1, wanted: 2 } as const
    assertFault(() => update(initialTrust(repository.root, NOW), repository.files), wanted)
  })

  it('is not met by one key twice', () => {
    const repository = begin()
    repository.files['timestamp.json'] = signAnything(fields(repository.files['timestamp.json']!), [KEYS.timestamp, KEYS.timestamp])
    assertFault(() => update(initialTrust(repository.root, NOW), repository.files), { code: 'MALFORMED', file: 'timestamp.json' })
  })

  it('is not met by one key under two ids', () => {
    const root = fields(begin().root) as { keys: Record<string, object>; roles: object }
    const alias = 'ab'.repeat(32)
    const keys = { ...root.keys, [alias]: root.keys[KEYS.timestamp.keyId] }
    const forged = signAnything(JSON.parse(JSON.stringify({ ...root, keys, roles: { ...root.roles, timestamp: { keyids: [KEYS.timestamp.keyId, alias], threshold: 2 } } })), [KEYS.root])
    assertFault(() => initialTrust(forged, NOW), { code: 'MALFORMED', file: 'root.json' })
  })
})

describe('a stored state without any source', () => {
  it('serves until its first file expires', () => {
    const repository = new Repository()
    const state = update(initialTrust(repository.root, NOW), repository.files)
    checkFreshness(state, TOMORROW - 1)
    assertFault(() => checkFreshness(state, TOMORROW), { code: 'EXPIRED', file: 'timestamp.json', expiresAt: TOMORROW, now: TOMORROW })
    assertFault(() => checkFreshness(initialTrust(repository.root, NOW), NOW), { code: 'MISSING', file: 'timestamp.json' })
  })
})
