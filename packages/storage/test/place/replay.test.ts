import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import * as fc from 'fast-check'
import type { JournalRecord } from '../../src/place/journal-codec.ts'
import { replay } from '../../src/place/replay.ts'
import { bitmapRuns, runsOf } from '../../src/place/runs.ts'
import { anyRecord, CHUNKS_COUNT } from './journal-samples.ts'

const placed = (first: number, count = 1): JournalRecord => ({ type: 'placed', runs: [{ first, count }] })
const cleared = (first: number, count = 1): JournalRecord => ({ type: 'cleared', runs: [{ first, count }] })

describe('replay', () => {
  it('counts as durable only what a barrier covers', () => {
    const state = replay([placed(0), placed(1), placed(2), { type: 'barrier', coveredRecords: 2 }, placed(3)], 10)
    assert.deepEqual([...state.placed.indices()], [0, 1, 2, 3])
    assert.deepEqual([...state.durable.indices()], [0, 1])
  })

  it('voids what was cleared, even where a later barrier covers its placing', () => {
    const state = replay([placed(0, 5), cleared(2), { type: 'barrier', coveredRecords: 1 }, placed(3)], 10)
    assert.deepEqual([...state.placed.indices()], [0, 1, 3, 4])
    assert.deepEqual([...state.durable.indices()], [0, 1, 3, 4])
  })

  it('takes a chunk again after it was cleared', () => {
    const state = replay([placed(0), { type: 'barrier', coveredRecords: 1 }, cleared(0), placed(0)], 1)
    assert.deepEqual([state.placed.get(0), state.durable.get(0)], [true, false])
  })

  it('is complete only while every chunk is there', () => {
    const done: readonly JournalRecord[] = [placed(0, 3), { type: 'complete' }]
    assert.equal(replay(done, 3).complete, true)
    assert.equal(replay([...done, cleared(1)], 3).complete, false)
    assert.equal(replay([...done, cleared(1), placed(1)], 3).complete, false)
  })

  it('counts a stage as committed only if nothing was cleared since', () => {
    const committed: readonly JournalRecord[] = [placed(0, 3), { type: 'stage', stage: 'bootstrap' }]
    assert.deepEqual([...replay(committed, 3).stages], ['bootstrap'])
    assert.deepEqual([...replay([...committed, cleared(1), placed(1)], 3).stages], [])
  })

  it('never counts as durable what is not placed', () => {
    fc.assert(
      fc.property(fc.array(anyRecord, { maxLength: 30 }), (records) => {
        const { placed, durable } = replay(records, CHUNKS_COUNT)
        for (const index of durable.indices()) assert.ok(placed.get(index))
      }),
    )
  })
})

describe('runs', () => {
  it('say the same as the numbers they are made of', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(60)), (indexes) => {
        const runs = runsOf(indexes)
        const state = replay([{ type: 'placed', runs }], 61)
        assert.deepEqual(
          [...state.placed.indices()],
          [...new Set(indexes)].sort((a, b) => a - b),
        )
        assert.deepEqual(bitmapRuns(state.placed), runs)
      }),
    )
  })
})
