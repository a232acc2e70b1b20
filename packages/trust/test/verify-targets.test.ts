import { describe, it } from 'node:test'
import { initialTrust } from '../src/index.ts'
import { assertFault } from './assert-fault.ts'
import { amend, fields, KEYS, NOW, release, Repository, update } from './repository.ts'

interface Delegations {
  keys: object
  roles: { name: string; paths: string[] }[]
}

/** An update against a repository whose `targets.json` says `changes`, signed by its proper key. */
function refreshWith(changes: object): void {
  const repository = new Repository()
  const targets = amend(repository.files['targets.json']!, JSON.parse(JSON.stringify(changes)), [KEYS.targets])
  update(initialTrust(repository.root, NOW), repository.unpinned({ 'targets.json': targets }))
}

function delegationsWith(change: (role: Delegations['roles'][number]) => object): { delegations: object } {
  const { keys, roles } = fields(new Repository().files['targets.json']!)['delegations'] as unknown as Delegations
  return { delegations: { keys, roles: roles.map((role) => (role.name === 'alpha' ? change(role) : role)) } }
}

describe('a targets file', () => {
  it('is the one that the snapshot lists', () => {
    const repository = new Repository()
    const other = amend(repository.files['targets.json']!, { version: 2 }, [KEYS.targets])
    const initial = initialTrust(repository.root, NOW)
    assertFault(() => update(initial, { ...repository.files, 'targets.json': other }), {
      code: 'MIXED',
      file: 'targets.json',
      what: 'SHA-256',
    })
    assertFault(() => update(initial, repository.unpinned({ 'targets.json': other })), {
      code: 'MIXED',
      what: 'version',
      found: '2',
      wanted: '1',
    })
  })

  it('expires', () => {
    assertFault(() => refreshWith({ expires: '2026-12-31T23:59:59Z' }), { code: 'EXPIRED', file: 'targets.json', role: 'targets' })
  })

  it('gives a ledger’s keys that ledger’s releases only', () => {
    for (const paths of [['beta/*'], ['*/*'], ['alpha/*', 'beta/*'], ['alpha/1'], ['**']]) {
      const wanted = { code: 'OUT_OF_SCOPE', file: 'targets.json', role: 'alpha', found: paths.join(', '), wanted: 'alpha/*' } as const
      assertFault(() => refreshWith(delegationsWith((role) => ({ ...role, paths }))), wanted)
    }
  })

  it('has roles that can only mean one thing', () => {
    const bad = [
      (role: object) => ({ ...role, terminating: false }),
      (role: object) => ({ ...role, path_hash_prefixes: ['00'] }),
      (role: object) => ({ ...role, name: 'snapshot' }),
      (role: object) => ({ ...role, name: 'beta' }),
      (role: object) => ({ ...role, name: 'Alpha' }),
      (role: object) => ({ ...role, threshold: 0 }),
      (role: object) => ({ ...role, threshold: 2 }),
      (role: object) => ({ ...role, keyids: [] }),
      (role: object) => ({ ...role, keyids: [KEYS.alpha.keyId, KEYS.alpha.keyId] }),
      (role: object) => ({ ...role, keyids: [KEYS.stranger.keyId] }),
    ]
    for (const change of bad) {
      assertFault(() => refreshWith(delegationsWith(change)), { code: 'MALFORMED', file: 'targets.json' })
    }
  })

  it('lists no releases itself', () => {
    const targets = fields(new Repository().files['alpha.json']!)['targets']!
    assertFault(() => refreshWith({ targets }), { code: 'MALFORMED', file: 'targets.json' })
  })

  it('can hand a ledger to other keys, which must then have signed', () => {
    const repository = new Repository()
    const { delegations } = fields(repository.files['targets.json']!) as unknown as { delegations: Delegations }
    const roles = delegations.roles.map((role) => (role.name === 'alpha' ? { ...role, keyids: [KEYS.beta.keyId] } : role))
    const state = update(initialTrust(repository.root, NOW), repository.files)
    repository.files['targets.json'] = amend(
      repository.files['targets.json']!,
      { version: 2, delegations: JSON.parse(JSON.stringify({ ...delegations, roles })) },
      [KEYS.targets],
    )
    repository.publish()
    assertFault(() => update(state, repository.files), { code: 'FORGED', file: 'alpha.json', role: 'alpha' })
    repository.files['alpha.json'] = amend(repository.files['alpha.json']!, { version: 3 }, [KEYS.beta])
    repository.publish()
    repository.add(release('beta', 9))
    update(state, repository.files)
  })
})
