import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { nearest } from '../src/nearest.ts'

describe('nearest', () => {
  it('finds what was meant, and nothing where nothing is near', () => {
    const words = ['peer', 'listen', 'log-level', 'timeout']
    assert.equal(nearest('pear', words), 'peer')
    assert.equal(nearest('loglevel', words), 'log-level')
    assert.equal(nearest('timeuot', words), 'timeout')
    assert.equal(nearest('capacity', words), undefined)
    assert.equal(nearest('', words), undefined)
  })
})
