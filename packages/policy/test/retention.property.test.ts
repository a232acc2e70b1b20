import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import * as fc from 'fast-check'
import { planRetention, type RetentionInit, type SnapshotFacts } from '../src/index.ts'
import { snapshot } from './snapshots.ts'

const init: fc.Arbitrary<RetentionInit> = fc.record({
  capacityBytes: fc.nat(100),
  channels: fc.shuffledSubarray(['stable', 'canary']),
  versionsPinned: fc.constantFrom(1, 2),
})

const snapshots: fc.Arbitrary<SnapshotFacts[]> = fc
  .uniqueArray(
    fc.record({
      ledger: fc.constantFrom('main', 'test'),
      height: fc.nat(9),
      bytes: fc.integer({ min: 1, max: 40 }),
      held: fc.constantFrom('none', 'partial', 'complete'),
      lastUsedAt: fc.nat(5),
      channels: fc.subarray(['stable', 'canary']),
    }),
    { selector: ({ ledger, height }) => `${ledger}/${height}`, maxLength: 15, size: 'max' },
  )
  .map((facts) => facts.map(({ height, ...others }) => snapshot(height, others)))

describe('a retention plan', () => {
  it('stays within the capacity wherever the complete newest versions do, and never evicts those', () => {
    fc.assert(
      fc.property(snapshots, init, (snapshots, init) => {
        const plan = planRetention(snapshots, init)
        const newest = snapshots.filter((snapshot) => snapshot.held === 'complete' && isNewest(snapshot, snapshots, init.channels))
        assert(plan.plannedBytes <= Math.max(init.capacityBytes, bytesOf(newest)))
        for (const snapshot of newest) assert(!plan.evict.includes(snapshot))
        const staying = plan.decisions.filter(({ action }) => action === 'keep' || action === 'mirror').map(({ snapshot }) => snapshot)
        assert.equal(plan.plannedBytes, bytesOf(staying))
      }),
    )
  })

  it('is the same in whatever order snapshots come', () => {
    const permuted = snapshots.chain((snapshots) =>
      fc.tuple(fc.constant(snapshots), fc.shuffledSubarray(snapshots, { minLength: snapshots.length })),
    )
    fc.assert(
      fc.property(permuted, init, ([snapshots, shuffled], init) => {
        assert.deepEqual(planRetention(shuffled, init), planRetention(snapshots, init))
      }),
    )
  })

  it('evicts nothing complete that would still fit', () => {
    fc.assert(
      fc.property(snapshots, init, (snapshots, init) => {
        const { evict, plannedBytes } = planRetention(snapshots, init)
        for (const { held, bytes } of evict) assert(held === 'partial' || plannedBytes + bytes > init.capacityBytes)
      }),
    )
  })

  it('changes nothing once it was carried out', () => {
    fc.assert(
      fc.property(snapshots, init, (snapshots, init) => {
        const held = { keep: 'complete', mirror: 'complete', evict: 'none', skip: 'none' } as const
        const after = planRetention(snapshots, init).decisions.map(({ snapshot, action }) => ({ ...snapshot, held: held[action] }))
        const plan = planRetention(after, init)
        assert.deepEqual([plan.evict, plan.mirror], [[], []])
      }),
    )
  })
})

function isNewest({ ledger, height, channels }: SnapshotFacts, snapshots: readonly SnapshotFacts[], followed: readonly string[]): boolean {
  return channels.some(
    (channel) =>
      followed.includes(channel) &&
      snapshots.every((other) => other.ledger !== ledger || !other.channels.includes(channel) || other.height <= height),
  )
}

function bytesOf(snapshots: readonly SnapshotFacts[]): number {
  return snapshots.reduce((sum, { bytes }) => sum + bytes, 0)
}
