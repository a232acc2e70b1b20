import assert from 'node:assert/strict'
import { test } from 'node:test'
import { STAGES } from '@cairn/protocol'
import * as fc from 'fast-check'
import { deadlineBucket, NEVER_ASKED, priorityKey, type PriorityParts, rarityBucket } from '../src/priority.ts'

const parts: fc.Arbitrary<PriorityParts> = fc.record({
  stage: fc.constantFrom(...STAGES),
  isUrgent: fc.boolean(),
  deadline: fc.nat(NEVER_ASKED),
  holdersCount: fc.nat(65_535),
  tieBreak: fc.nat(0xffff_ffff),
})

/** The same order, spelled out. */
function inOrder({ stage, isUrgent, deadline, holdersCount, tieBreak }: PriorityParts): readonly number[] {
  return [isUrgent ? 0 : 1 + STAGES.indexOf(stage), deadline, rarityBucket(holdersCount), tieBreak]
}

test('keys order by class, then deadline, then rarity, then the seeded hash', () => {
  fc.assert(
    fc.property(parts, parts, (one, other) => {
      const [a, b] = [inOrder(one), inOrder(other)]
      const at = a.findIndex((part, i) => part !== b[i])
      // What somebody waits for is one class, whatever its stage.
      assert.equal(Math.sign(priorityKey(one) - priorityKey(other)), at === -1 ? 0 : Math.sign(a[at]! - b[at]!))
      assert.ok(Number.isSafeInteger(priorityKey(one)))
    }),
  )
})

test('the longer a chunk was waited for in vain, the sooner it is asked for', () => {
  assert.deepEqual([0, 64, 1_000, 10_000, 600_000, 1e12].map(deadlineBucket), [14, 13, 10, 7, 1, 0])
})
