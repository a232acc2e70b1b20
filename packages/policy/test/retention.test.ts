import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { planRetention, type RetentionInit } from '../src/index.ts'
import { snapshot, summary } from './snapshots.ts'

const init: RetentionInit = { capacityBytes: 30, channels: ['stable', 'canary'], versionsPinned: 2 }

describe('retention', () => {
  it('does nothing about nothing', () => {
    assert.deepEqual(planRetention([], init), { decisions: [], evict: [], mirror: [], plannedBytes: 0 })
  })

  it('mirrors the newest versions, the newest first', () => {
    const plan = planRetention(
      [1, 2, 3].map((height) => snapshot(height, { held: 'none' })),
      init,
    )
    assert.deepEqual(summary(plan), ['main/3 mirror newest', 'main/2 mirror previous', 'main/1 skip superseded'])
    assert.deepEqual(
      plan.mirror.map(({ height }) => height),
      [3, 2],
    )
    assert.equal(plan.plannedBytes, 20)
  })

  it('keeps older versions while there is room', () => {
    const plan = planRetention([snapshot(1), snapshot(2), snapshot(3)], init)
    assert.deepEqual(summary(plan), ['main/3 keep newest', 'main/2 keep previous', 'main/1 keep recently-used'])
  })

  it('evicts what was used least recently for a new version', () => {
    const snapshots = [
      snapshot(1, { lastUsedAt: 9 }),
      snapshot(2, { lastUsedAt: 1 }),
      snapshot(3),
      snapshot(4),
      snapshot(5, { held: 'none' }),
    ]
    const plan = planRetention(snapshots, { ...init, capacityBytes: 30 })
    assert.deepEqual(summary(plan), [
      'main/5 mirror newest',
      'main/4 keep previous',
      'main/3 evict least-recently-used',
      'main/2 evict least-recently-used',
      'main/1 keep recently-used',
    ])
    assert.deepEqual(
      plan.evict.map(({ height }) => height),
      [3, 2],
    )
  })

  it('gives up the previous version where both do not fit', () => {
    const plan = planRetention([snapshot(1), snapshot(2, { held: 'none' })], { ...init, capacityBytes: 15 })
    assert.deepEqual(summary(plan), ['main/2 mirror newest', 'main/1 evict no-room'])
  })

  it('drops downloads that a newer version has overtaken, before anything complete', () => {
    const plan = planRetention([snapshot(1), snapshot(2, { held: 'partial', lastUsedAt: 9 }), snapshot(3), snapshot(4)], {
      ...init,
      capacityBytes: 20,
    })
    assert.deepEqual(
      plan.evict.map(({ height }) => height),
      [2, 1],
    )
    assert.equal(summary(plan)[2], 'main/2 evict incomplete')
  })

  it('goes on with a download that is still wanted', () => {
    const plan = planRetention([snapshot(1), snapshot(2, { held: 'partial' })], init)
    assert.deepEqual(summary(plan), ['main/2 mirror newest', 'main/1 keep previous'])
  })

  it('prefers the more important channel', () => {
    const stable = snapshot(1, { held: 'none' })
    const canary = snapshot(2, { held: 'none', channels: ['canary'] })
    const plan = planRetention([canary, stable], { ...init, capacityBytes: 10 })
    assert.deepEqual(summary(plan), ['main/2 skip no-room', 'main/1 mirror newest'])
  })

  it('pins the newest of each ledger and channel, whatever else is newer', () => {
    const snapshots = [
      snapshot(1),
      snapshot(2, { channels: ['canary'] }),
      snapshot(3, { channels: ['nightly'] }),
      snapshot(9, { ledger: 'test' }),
    ]
    const plan = planRetention(snapshots, { ...init, versionsPinned: 1 })
    assert.deepEqual(summary(plan), ['main/3 evict least-recently-used', 'main/2 keep newest', 'main/1 keep newest', 'test/9 keep newest'])
  })

  it('never evicts the newest complete version, even above the capacity', () => {
    const plan = planRetention([snapshot(1), snapshot(2)], { ...init, capacityBytes: 5 })
    assert.deepEqual(summary(plan), ['main/2 keep newest', 'main/1 evict no-room'])
    assert.equal(plan.plannedBytes, 10)
  })

  it('does not begin what cannot fit', () => {
    const plan = planRetention([snapshot(1), snapshot(2, { held: 'none', bytes: 100 })], init)
    assert.deepEqual(summary(plan), ['main/2 skip no-room', 'main/1 keep previous'])
  })

  it('counts shared blocks once where the caller knows them', () => {
    const addedBytes: RetentionInit['addedBytes'] = (_, kept) => (kept.length === 0 ? 10 : 1)
    const plan = planRetention(
      [1, 2, 3].map((height) => snapshot(height)),
      { ...init, capacityBytes: 12, addedBytes },
    )
    assert.deepEqual(summary(plan), ['main/3 keep newest', 'main/2 keep previous', 'main/1 keep recently-used'])
    assert.equal(plan.plannedBytes, 12)
  })
})
