import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { checkFreshness, decodeTrustState, encodeTrustState, freshUntil, initialTrust, releases } from '../src/index.ts'
import { assertFault } from './assert-fault.ts'
import { NEXT_YEAR, NOW, release, Repository, TOMORROW, update } from './repository.ts'

describe('a stored state without any source', () => {
  it('serves until its first file expires', () => {
    const repository = new Repository()
    const state = update(initialTrust(repository.root, NOW), repository.files)
    checkFreshness(state, TOMORROW - 1)
    assertFault(() => checkFreshness(state, TOMORROW), { code: 'EXPIRED', file: 'timestamp.json', expiresAt: TOMORROW, now: TOMORROW })
    assertFault(() => checkFreshness(initialTrust(repository.root, NOW), NOW), { code: 'MISSING', file: 'timestamp.json' })
    assert.deepEqual(freshUntil(state), { file: 'timestamp.json', expiresAt: TOMORROW })
    assert.deepEqual(freshUntil(initialTrust(repository.root, NOW)), { file: 'root.json', expiresAt: NEXT_YEAR })
  })

  it('cannot be put together from two', () => {
    const repository = new Repository()
    const before = update(initialTrust(repository.root, NOW), repository.files)
    repository.add(release('alpha', 3))
    repository.publish()
    const after = update(before, repository.files)
    assertFault(() => checkFreshness({ ...after, snapshot: before.snapshot! }, NOW), { code: 'MIXED', file: 'snapshot.json' })
    assertFault(() => checkFreshness({ ...after, ledgers: before.ledgers }, NOW), { code: 'MIXED', file: 'alpha.json' })
    const { targets: _, ...partial } = after
    assertFault(() => checkFreshness(partial, NOW), { code: 'MALFORMED', file: 'trust state' })
  })
})

describe('encodeTrustState', () => {
  it('gives back every accepted byte', () => {
    const repository = new Repository()
    const state = update(initialTrust(repository.root, NOW), repository.files, { ledgers: 'all' })
    const decoded = decodeTrustState(encodeTrustState(state))
    assert.deepEqual(encodeTrustState(decoded), encodeTrustState(state))
    assert.deepEqual(releases(decoded, 'alpha'), releases(state, 'alpha'))
    assert.equal(update(decoded, repository.files), decoded)
    const initial = initialTrust(repository.root, NOW)
    assert.deepEqual(encodeTrustState(decodeTrustState(encodeTrustState(initial))), encodeTrustState(initial))
  })

  it('refuses a later format, and what is none', () => {
    assertFault(() => decodeTrustState(Buffer.from('{"what":"cairn trust state"}')), { code: 'UNSUPPORTED_VERSION', found: 'null' })
    const text = Buffer.from(encodeTrustState(initialTrust(new Repository().root, NOW))).toString()
    const wanted = { code: 'UNSUPPORTED_VERSION', file: 'trust state', found: '2', supported: '1' } as const
    assertFault(() => decodeTrustState(Buffer.from(text.replace('"version":1,"what"', '"version":2,"what"'))), wanted)
    for (const bad of [
      '',
      '[]',
      '{}',
      text.replace('"ledgers":{}', '"ledgers":{"alpha":1}'),
      text.replace('"ledgers":{}', '"ledgers":{"__proto__":""}'),
    ]) {
      assertFault(() => decodeTrustState(Buffer.from(bad)), { code: 'MALFORMED', file: 'trust state' })
    }
  })
})
