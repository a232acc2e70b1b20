import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { initialTrust, newRoot, type Signer, TrustUpdate } from '../src/index.ts'
import { assertFault } from './assert-fault.ts'
import { amend, fields, KEYS, NEXT_YEAR, NOW, only, Repository, ROLES, signAnything, update } from './repository.ts'

describe('a root that is handed over', () => {
  it('must vouch for itself', () => {
    const root = fields(new Repository().root)
    const wanted = { code: 'FORGED', file: 'root.json', role: 'root', found: 0, wanted: 1 } as const
    assertFault(() => initialTrust(signAnything(root, []), NOW), wanted)
    assertFault(() => initialTrust(signAnything(root, [KEYS.stranger]), NOW), wanted)
    assertFault(() => initialTrust(signAnything(root, [KEYS.timestamp]), NOW), wanted)
  })

  it('must be current', () => {
    const repository = new Repository()
    assertFault(() => initialTrust(repository.root, NOW * 2), { code: 'EXPIRED', file: 'root.json', role: 'root', now: NOW * 2 })
    assertFault(() => initialTrust(repository.root, Number.POSITIVE_INFINITY), { code: 'EXPIRED' })
  })

  it('must be one', () => {
    const repository = new Repository()
    assertFault(() => initialTrust(repository.files['timestamp.json']!, NOW), { code: 'MALFORMED', file: 'root.json' })
    assertFault(() => initialTrust(Buffer.from(''), NOW), { code: 'MALFORMED', file: 'root.json' })
    assertFault(() => initialTrust(Buffer.alloc(2 ** 20 + 1, ' '), NOW), {
      code: 'TOO_LARGE',
      file: 'root.json',
      found: 2 ** 20 + 1,
      max: 2 ** 20,
    })
  })

  it('must be of this specification', () => {
    const { root } = new Repository()
    assertFault(() => initialTrust(amend(root, { spec_version: '2.0.0' }, [KEYS.root]), NOW), {
      code: 'UNSUPPORTED_VERSION',
      found: '2.0.0',
      supported: '1',
    })
    assertFault(() => initialTrust(amend(root, { spec_version: '1..1' }, [KEYS.root]), NOW), { code: 'MALFORMED' })
    assertFault(() => initialTrust(amend(root, { consistent_snapshot: true }, [KEYS.root]), NOW), { code: 'MALFORMED' })
  })

  it('leads nowhere if it is another repository’s', () => {
    const repository = new Repository()
    assertFault(() => update(initialTrust(rootOf(KEYS.stranger), NOW), { 'timestamp.json': repository.files['timestamp.json']! }), {
      code: 'FORGED',
      file: 'timestamp.json',
    })
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
      assertFault(() => update(initialTrust(first, NOW), repository.files), {
        code: 'FORGED',
        file: '2.root.json',
        role: 'root',
        found: 0,
        wanted: 1,
      })
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
    assertFault(() => update(initialTrust(first, NOW), repository.files), {
      code: 'EXPIRED',
      file: '2.root.json',
      expiresAt: NOW - 1000,
      now: NOW,
    })
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
    repository.files['timestamp.json'] = amend(repository.files['timestamp.json'], { version: 9 }, [KEYS.spare])
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

  it('forgets what too few have signed when a role asks for more', () => {
    const repository = new Repository()
    const state = update(initialTrust(repository.root, NOW), repository.files)
    const roles = { ...ROLES, timestamp: { keys: [KEYS.timestamp, KEYS.spare], threshold: 2 } }
    repository.rotate(roles, [KEYS.root])
    const machine = new TrustUpdate(state, NOW, ['alpha'])
    machine.supply('2.root.json', repository.root)
    assert.equal(machine.accepted.timestamp, undefined)
    repository.files['timestamp.json'] = amend(repository.files['timestamp.json']!, {}, [KEYS.timestamp, KEYS.spare])
    update(machine.accepted, repository.files)
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
    assert.deepEqual(machine.accepted, { root: repository.root, predecessors: [state.root], ledgers: {} })
  })
})

function rootOf(signer: Signer): Uint8Array {
  const keys = only(signer)
  return newRoot({ roles: { root: keys, targets: keys, snapshot: keys, timestamp: keys }, expiresAt: NEXT_YEAR, signers: [signer] })
}
