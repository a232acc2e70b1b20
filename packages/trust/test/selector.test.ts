import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { initialTrust, parseSelector, resolveRelease } from '../src/index.ts'
import { assertFault } from './assert-fault.ts'
import { NOW, Repository, update } from './repository.ts'

describe('parseSelector', () => {
  it('reads a name, a height and a channel', () => {
    assert.deepEqual(parseSelector('alpha'), { ledger: 'alpha' })
    assert.deepEqual(parseSelector('alpha@0'), { ledger: 'alpha', height: 0 })
    assert.deepEqual(parseSelector('main-net-2@123'), { ledger: 'main-net-2', height: 123 })
    assert.deepEqual(parseSelector('alpha@canary'), { ledger: 'alpha', channel: 'canary' })
  })

  it('refuses anything else', () => {
    for (const text of [
      '',
      '@1',
      'alpha@',
      'alpha@01',
      'alpha@-1',
      'alpha@1.5',
      'alpha@a@b',
      'Alpha',
      '1alpha',
      'a/b',
      'a_b',
      '../a',
      'root',
      'alpha@Canary',
      'a'.repeat(65),
      'alpha\n',
    ]) {
      assertFault(() => parseSelector(text), { code: 'BAD_SELECTOR', selector: text })
    }
  })
})

describe('resolveRelease', () => {
  const repository = new Repository()
  const state = update(initialTrust(repository.root, NOW), repository.files)

  it('takes stable unless told otherwise', () => {
    assert.equal(resolveRelease(state, { ledger: 'alpha' }).height, 1)
    assert.equal(resolveRelease(state, { ledger: 'alpha', channel: 'canary' }).height, 2)
    assert.equal(resolveRelease(state, { ledger: 'alpha', height: 2 }).height, 2)
  })

  it('lists what there is otherwise', () => {
    const there = { code: 'UNKNOWN_RELEASE', ledger: 'alpha', heights: [1, 2], channels: ['canary', 'stable'] } as const
    assertFault(() => resolveRelease(state, { ledger: 'alpha', channel: 'beta' }), { ...there, wanted: 'on channel beta' })
    assertFault(() => resolveRelease(state, { ledger: 'alpha', height: 3 }), { ...there, wanted: 'at height 3' })
    assertFault(() => resolveRelease(state, { ledger: 'beta' }), { code: 'UNKNOWN_LEDGER', ledger: 'beta', known: ['alpha'] })
  })
})
