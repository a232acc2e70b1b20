import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { chase, OVERTAKEN_MAX } from '../src/index.ts'

const facts = { total: 1000, held: 100, overtakenCount: 0, isWithdrawn: false }

describe('chase', () => {
  it('gives up what has hardly begun, and finishes what is half there', () => {
    assert.equal(chase(facts), 'move')
    assert.equal(chase({ ...facts, held: 499 }), 'move')
    assert.equal(chase({ ...facts, held: 500 }), 'finish')
  })

  it('gives up only so many in a row: a publisher that is faster than its readers starves none', () => {
    assert.equal(chase({ ...facts, overtakenCount: OVERTAKEN_MAX - 1 }), 'move')
    assert.equal(chase({ ...facts, overtakenCount: OVERTAKEN_MAX }), 'finish')
  })

  it('never finishes what was withdrawn', () => {
    assert.equal(chase({ ...facts, held: 999, overtakenCount: OVERTAKEN_MAX, isWithdrawn: true }), 'move')
  })
})
