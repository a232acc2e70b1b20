import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { chunkCid, cidDigest } from '@cairn/protocol'
import type { JsonObject } from '../src/canonical-json.ts'
import { initialTrust, releases, type TrustState } from '../src/index.ts'
import { releaseTarget } from '../src/release.ts'
import { assertFault } from './assert-fault.ts'
import { amend, fields, KEYS, NOW, release, Repository, update } from './repository.ts'

/** An update against a repository whose `alpha.json` says `changes`, signed by its proper key. */
function refreshWith(changes: object): TrustState {
  const repository = new Repository()
  const ledger = amend(repository.files['alpha.json']!, JSON.parse(JSON.stringify(changes)), [KEYS.alpha])
  return update(initialTrust(repository.root, NOW), repository.unpinned({ 'alpha.json': ledger }))
}

function withCairn(changes: JsonObject): { targets: object } {
  const { custom, ...target } = releaseTarget(release('alpha', 1)) as { custom: { cairn: JsonObject } }
  return { targets: { 'alpha/1': { ...target, custom: { cairn: { ...custom.cairn, ...changes } } } } }
}

describe('a ledger’s file', () => {
  it('is the one that the snapshot lists', () => {
    const repository = new Repository()
    const old = repository.copy()
    repository.add(release('alpha', 3))
    repository.publish()
    const initial = initialTrust(repository.root, NOW)
    const mixed = { ...repository.files, 'alpha.json': old['alpha.json']! }
    assertFault(() => update(initial, mixed), { code: 'MIXED', file: 'alpha.json', role: 'alpha', what: 'length' })
    const unpinned = repository.unpinned({ 'alpha.json': old['alpha.json']! })
    assertFault(() => update(initial, unpinned), { code: 'MIXED', file: 'alpha.json', what: 'version', found: '2', wanted: '3' })
    const swapped = { ...repository.files, 'alpha.json': repository.files['beta.json']! }
    assertFault(() => update(initial, swapped), { code: 'MIXED', file: 'alpha.json' })
    assertFault(() => update(initial, repository.unpinned({ 'alpha.json': repository.files['beta.json']! })), {
      code: 'FORGED',
      role: 'alpha',
    })
  })

  it('expires', () => {
    assertFault(() => refreshWith({ expires: '2026-12-31T23:59:59Z' }), { code: 'EXPIRED', file: 'alpha.json', role: 'alpha' })
  })

  it('speaks for its own ledger only, in heights', () => {
    const target = releaseTarget(release('alpha', 1))
    for (const path of [
      'beta/1',
      'alpha',
      'alpha/',
      'alpha/01',
      'alpha/-1',
      'alpha/1e3',
      'alpha/1/2',
      '/alpha/1',
      'alpha/9007199254740992',
      'x',
    ]) {
      assertFault(() => refreshWith({ targets: { [path]: target } }), {
        code: 'OUT_OF_SCOPE',
        file: 'alpha.json',
        role: 'alpha',
        found: path,
        wanted: 'alpha/<height>',
      })
    }
  })

  it('delegates to nobody', () => {
    const delegations = fields(new Repository().files['targets.json']!)['delegations']!
    assertFault(() => refreshWith({ delegations }), { code: 'MALFORMED', file: 'alpha.json' })
  })

  it('names one block as the manifest, by hash and by CID', () => {
    const other = release('alpha', 1, [], 'another block').manifest
    assertFault(() => refreshWith(withCairn({ cid: other.toString() })), {
      code: 'MIXED',
      file: 'alpha.json',
      what: 'manifest of height 1',
    })
    const chunk = chunkCid(cidDigest(release('alpha', 1).manifest)).toString()
    for (const cid of [chunk, '', 'bafy', other.toString().toUpperCase(), `z${other.toString()}`]) {
      assertFault(() => refreshWith(withCairn({ cid })), { code: 'MALFORMED', file: 'alpha.json' })
    }
  })

  it('lets a channel point at one height', () => {
    const targets = { 'alpha/1': releaseTarget(release('alpha', 1, ['stable'])), 'alpha/2': releaseTarget(release('alpha', 2, ['stable'])) }
    assertFault(() => refreshWith({ targets }), { code: 'MALFORMED', file: 'alpha.json' })
    for (const channels of [['stable', 'canary'], ['stable', 'stable'], ['1'], [''], ['Stable']]) {
      assertFault(() => refreshWith(withCairn({ channels })), { code: 'MALFORMED', file: 'alpha.json' })
    }
  })

  it('has bounded numbers', () => {
    for (const changes of [{ bytes: -1 }, { chunks: -1 }, { chunks: 2 ** 40 }, { bytes: '1' }]) {
      assertFault(() => refreshWith(withCairn(changes)), { code: 'MALFORMED', file: 'alpha.json' })
    }
    const target = releaseTarget(release('alpha', 1))
    for (const length of [0, -1, 2 ** 20])
      assertFault(() => refreshWith({ targets: { 'alpha/1': { ...target, length } } }), { code: 'MALFORMED' })
    const many = Array.from({ length: 1025 }, (_, height) => [`alpha/${height}`, target])
    assertFault(() => refreshWith({ targets: Object.fromEntries(many) }), {
      code: 'MALFORMED',
      reason: 'signed.targets: more than 1024 releases',
    })
  })

  it('may carry signed fields that later versions add', () => {
    const state = refreshWith({ ...withCairn({ later: 1 }), later: { deep: [null, true, 'é'] } })
    assert.deepEqual(releases(state, 'alpha'), [release('alpha', 1)])
  })

  it('may be empty', () => {
    assert.deepEqual(releases(refreshWith({ targets: {} }), 'alpha'), [])
  })
})
