import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { newSnapshot, newTargets, newTimestamp } from '../../src/index.ts'
import { assertFault } from '../assert-fault.ts'
import { fields, KEYS, NEXT_YEAR, only, release, Repository } from '../repository.ts'

describe('newSnapshot', () => {
  it('goes on listing what is not handed in again', () => {
    const repository = new Repository()
    const previous = repository.files['snapshot.json']!
    repository.add(release('alpha', 3))
    const next = newSnapshot({
      previous,
      ledgers: { alpha: repository.files['alpha.json']! },
      expiresAt: NEXT_YEAR,
      signers: [KEYS.snapshot],
    })
    const [before, after] = [fields(previous), fields(next)] as { version: number; meta: Record<string, { version: number }> }[]
    assert.equal(after!.version, before!.version + 1)
    assert.deepEqual(Object.keys(after!.meta), ['alpha.json', 'beta.json', 'targets.json'])
    assert.equal(after!.meta['alpha.json']!.version, before!.meta['alpha.json']!.version + 1)
    assert.deepEqual(after!.meta['beta.json'], before!.meta['beta.json'])
  })

  it('needs a targets file', () => {
    assertFault(() => newSnapshot({ ledgers: {}, expiresAt: NEXT_YEAR, signers: [KEYS.snapshot] }), {
      code: 'MALFORMED',
      file: 'snapshot.json',
    })
  })
})

describe('newTimestamp', () => {
  it('lists a snapshot and nothing else', () => {
    const repository = new Repository()
    assertFault(() => newTimestamp({ snapshot: repository.root, expiresAt: NEXT_YEAR, signers: [KEYS.timestamp] }), {
      code: 'MALFORMED',
      file: 'snapshot.json',
    })
  })
})

describe('newTargets', () => {
  it('refuses names that a role or a path could be confused with', () => {
    for (const ledger of ['root', 'timestamp', '2.root', '../x', 'a/b', '', '123', 'A']) {
      const init = { ledgers: { [ledger]: only(KEYS.alpha) }, expiresAt: NEXT_YEAR, signers: [KEYS.targets] }
      assertFault(() => newTargets(init), { code: 'MALFORMED', file: 'targets.json' })
    }
  })

  it('refuses a threshold that its keys cannot meet', () => {
    const init = { ledgers: { alpha: { keys: [KEYS.alpha], threshold: 2 } }, expiresAt: NEXT_YEAR, signers: [KEYS.targets] }
    assertFault(() => newTargets(init), { code: 'MALFORMED', file: 'targets.json' })
  })
})
