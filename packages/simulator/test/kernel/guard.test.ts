import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { describe, it } from 'node:test'
import { EscapeError, withoutWorld } from '../../src/kernel/guard.ts'

const ESCAPES: Readonly<Record<string, () => unknown>> = {
  'Date.now': () => Date.now(),
  'new Date': () => new Date(),
  'Date()': () => Date(),
  'Math.random': () => Math.random(),
  'performance.now': () => performance.now(),
  setTimeout: () => setTimeout(() => {}, 0),
  setImmediate: () => setImmediate(() => {}),
  queueMicrotask: () => queueMicrotask(() => {}),
  nextTick: () => process.nextTick(() => {}),
  randomBytes: () => randomBytes(1),
  readFileSync: () => readFileSync('/dev/null'),
  createServer: () => createServer(),
}

describe('a run without the world', () => {
  for (const [name, escape] of Object.entries(ESCAPES)) {
    it(`fails when it touches ${name}`, () => {
      assert.throws(() => withoutWorld(escape), EscapeError)
      assert.doesNotThrow(() => {
        const result = escape()
        if (name === 'setTimeout') clearTimeout(result as NodeJS.Timeout)
      }, 'the world is back')
    })
  }

  it('may compute with dates that are given', () => {
    assert.equal(
      withoutWorld(() => new Date(0).toISOString()),
      '1970-01-01T00:00:00.000Z',
    )
  })
})
