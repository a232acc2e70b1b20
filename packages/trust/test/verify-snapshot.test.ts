import { describe, it } from 'node:test'
import { initialTrust, newTimestamp } from '../src/index.ts'
import { assertFault } from './assert-fault.ts'
import { amend, fields, type Files, KEYS, NOW, release, Repository, TOMORROW, update } from './repository.ts'

/** What a thief of the snapshot and timestamp keys can publish: any listing of files that others signed. */
function relist(repository: Repository, meta: object, changes: Files = {}): Files {
  const previous = repository.files['snapshot.json']!
  const snapshot = amend(previous, { version: 99, meta: JSON.parse(JSON.stringify(meta)) }, [KEYS.snapshot])
  const timestamp = newTimestamp({
    previous: repository.files['timestamp.json']!,
    snapshot,
    expiresAt: TOMORROW,
    signers: [KEYS.timestamp],
  })
  return { ...repository.files, ...changes, 'snapshot.json': snapshot, 'timestamp.json': timestamp }
}

describe('a snapshot', () => {
  it('is the one that the timestamp lists', () => {
    const repository = new Repository()
    const old = repository.copy()
    repository.publish()
    repository.publish()
    const initial = initialTrust(repository.root, NOW)
    const mixed = { ...repository.files, 'snapshot.json': old['snapshot.json']! }
    assertFault(() => update(initial, mixed), { code: 'MIXED', file: 'snapshot.json', what: 'SHA-256' })
    assertFault(() => update(initial, repository.unpinned({ 'snapshot.json': old['snapshot.json']! })), {
      code: 'MIXED',
      file: 'snapshot.json',
      what: 'version',
      found: '1',
      wanted: '3',
    })
    const shorter = { ...repository.files, 'snapshot.json': repository.files['snapshot.json']!.subarray(1) }
    assertFault(() => update(initial, shorter), { code: 'MIXED', file: 'snapshot.json', what: 'length' })
  })

  it('cannot list an older file of a ledger again, nor drop it', () => {
    const repository = new Repository()
    const old = repository.copy()
    repository.add(release('alpha', 3, ['stable']))
    repository.publish()
    const state = update(initialTrust(repository.root, NOW), repository.files, { ledgers: ['beta'] })
    const { meta } = fields(repository.files['snapshot.json']!) as { meta: Record<string, object> }
    const { meta: oldMeta } = fields(old['snapshot.json']!) as { meta: Record<string, object> }

    const rolledBack = relist(repository, { ...meta, 'alpha.json': oldMeta['alpha.json'] }, { 'alpha.json': old['alpha.json']! })
    assertFault(() => update(state, rolledBack), { code: 'ROLLED_BACK', file: 'alpha.json', role: 'alpha', found: 2, wanted: 3 })
    const { 'alpha.json': _, ...rest } = meta
    assertFault(() => update(state, relist(repository, rest)), { code: 'ROLLED_BACK', file: 'alpha.json', found: 0, wanted: 3 })
  })

  it('lists targets.json and files of ledgers, nothing else', () => {
    const repository = new Repository()
    const { meta } = fields(repository.files['snapshot.json']!) as { meta: Record<string, object> }
    const { 'targets.json': targets, ...ledgers } = meta
    const initial = initialTrust(repository.root, NOW)
    for (const bad of [
      ledgers,
      { ...meta, 'root.json': targets },
      { ...meta, '../x.json': targets },
      { ...meta, alpha: targets },
      { ...meta, __proto__x: targets },
    ]) {
      const snapshot = amend(repository.files['snapshot.json']!, { meta: JSON.parse(JSON.stringify(bad)) }, [KEYS.snapshot])
      const files = repository.unpinned({ 'snapshot.json': snapshot })
      assertFault(() => update(initial, files), { code: 'MALFORMED', file: 'snapshot.json' })
    }
  })

  it('expires', () => {
    const repository = new Repository()
    const snapshot = amend(repository.files['snapshot.json']!, { expires: '2026-12-31T23:59:59Z' }, [KEYS.snapshot])
    const wanted = { code: 'EXPIRED', file: 'snapshot.json', role: 'snapshot', now: NOW } as const
    assertFault(() => update(initialTrust(repository.root, NOW), repository.unpinned({ 'snapshot.json': snapshot })), wanted)
  })
})
