import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { seededRandom } from '@cairn/runtime'
import { replayTrace } from '../src/index.ts'
import { recordedTrace } from './harness.ts'

const honest = { have: 'complete', badPercent: 0, refusedPercent: 0, lostPercent: 0 } as const
const faulty = { have: 'complete', badPercent: 5, refusedPercent: 10, lostPercent: 10 } as const

describe('a recorded trace', () => {
  const lines = recordedTrace(200, { honest, faulty }, 7)

  test('makes every decision again', () => {
    const { fault, downloadsCount, stepsCount, requestsCount } = replayTrace(lines)
    assert.equal(fault, undefined)
    assert.deepEqual([downloadsCount, stepsCount], [1, lines.length - 1])
    assert.ok(requestsCount > 20)
  })

  test('that holds several downloads is replayed one after the other', () => {
    const { fault, downloadsCount } = replayTrace([...lines, '', ...recordedTrace(30, { honest }, 8)])
    assert.deepEqual([fault, downloadsCount], [undefined, 2])
  })

  test('of which any one byte was changed is refused at that line', () => {
    const random = seededRandom('bytes')
    for (let i = 0; i < 200; i++) {
      const line = random.u32() % lines.length
      const at = random.u32() % lines[line]!.length
      const text = lines[line]!
      const changed = text.slice(0, at) + (text[at] === '7' ? '8' : '7') + text.slice(at + 1)
      const { fault } = replayTrace(lines.with(line, changed))
      assert.equal(fault?.line, line + 1, `byte ${at} of ${text}`)
    }
  })

  test('that lacks a line is refused there', () => {
    assert.deepEqual(replayTrace(lines.toSpliced(9, 1)).fault, { code: 'ALTERED', line: 10 })
    assert.deepEqual(replayTrace(lines.slice(1)).fault?.code, 'ALTERED')
  })

  test('whose last line is cut off says so', () => {
    const { fault, stepsCount } = replayTrace([...lines.slice(0, -1), lines.at(-1)!.slice(0, -20)])
    assert.deepEqual([fault?.code, fault?.line, stepsCount], ['MALFORMED', lines.length, lines.length - 2])
  })

  test('of another seed diverges, and both decisions are told', () => {
    const { fault } = replayTrace(recordedTrace(200, { honest, faulty }, 7, { sayingSeed: 'another' }))
    assert.equal(fault?.code, 'DIVERGED')
    assert.ok(fault.line > 1)
    assert.notEqual(fault.recorded, fault.decided)
  })

  test('of another version is refused', () => {
    const old = lines[0]!.replace('"v":4', '"v":3')
    assert.deepEqual(replayTrace([old]).fault, { code: 'UNSUPPORTED_VERSION', line: 1, found: '3', supported: 4 })
  })
})
