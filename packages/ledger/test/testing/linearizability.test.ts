import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import * as fc from 'fast-check'
import { applyCall, type HistoryOperation, type RegisterAnswer, type RegisterCall } from '../../src/testing/history.ts'
import { checkHistory } from '../../src/testing/linearizability.ts'

/** `name invoked responded call`, where a call is `w1`, `r1`, `r-`, `d`, `c12` (sets 2 if it is 1), with `?` for unknown and `!` for conflict. */
function history(...lines: readonly string[]): HistoryOperation[] {
  return lines.map((line) => {
    const [client = '', invoked, responded, text = ''] = line.split(' ')
    const [call, answer] = parse(text)
    return { client, key: 'x', call, answer, invokedAt: Number(invoked), respondedAt: Number(responded) }
  })
}

function parse(text: string): readonly [RegisterCall, RegisterAnswer] {
  const valueOf = (letter = '-'): string | undefined => (letter === '-' ? undefined : letter)
  const applied: RegisterAnswer = { type: text.endsWith('?') ? 'unknown' : text.endsWith('!') ? 'conflict' : 'applied' }
  switch (text[0]) {
    case 'w':
      return [{ type: 'write', value: valueOf(text[1]) }, applied]
    case 'd':
      return [{ type: 'write', value: undefined }, applied]
    case 'c':
      return [{ type: 'compare-and-set', expected: valueOf(text[1]), value: valueOf(text[2]) }, applied]
    default:
      return [{ type: 'read' }, text.endsWith('?') ? applied : { type: 'value', value: valueOf(text[1]) }]
  }
}

const good: Readonly<Record<string, readonly string[]>> = {
  'nothing at all': [],
  'one after the other': ['a 0 1 w1', 'b 2 3 r1', 'a 4 5 d', 'b 6 7 r-'],
  'a read of what is being written': ['a 0 10 w1', 'b 1 2 r-', 'b 3 4 r1'],
  'reads that see concurrent writes in one order': ['a 0 10 w1', 'b 0 10 w2', 'c 1 2 r2', 'd 3 4 r1', 'c 5 6 r1'],
  'an answer at the time of the next call': ['a 0 1 w1', 'b 1 2 r-'],
  'an unknown write that took effect much later': ['a 0 1 w1?', 'b 2 3 r-', 'b 100 101 r1'],
  'an unknown write that never took effect': ['a 0 1 w1?', 'b 2 3 r-', 'b 100 101 r-'],
  'an unknown compare-and-set that failed': ['a 0 1 w1', 'b 2 3 c23?', 'c 4 5 r1'],
  'one of two compare-and-sets': ['a 0 1 w1', 'b 2 5 c12', 'c 2 5 c13!', 'd 6 7 r2'],
  'a conflict that only an unknown write explains': ['a 0 1 w1', 'b 2 3 w2?', 'c 4 5 c13!', 'd 6 7 r2'],
}

const bad: Readonly<Record<string, readonly string[]>> = {
  'a read of what nobody wrote': ['a 0 1 w1', 'b 2 3 r2'],
  'a stale read': ['a 0 1 w1', 'a 2 3 w2', 'b 4 5 r1'],
  'a lost write': ['a 0 1 w1', 'b 2 3 r-'],
  'a value that comes and goes': ['a 0 10 w1', 'b 1 2 r1', 'c 3 4 r-'],
  'reads that see concurrent writes in two orders': ['a 0 10 w1', 'b 0 10 w2', 'c 11 12 r1', 'd 13 14 r2'],
  'two winners of a compare-and-set': ['a 0 1 w1', 'b 2 5 c12', 'c 2 5 c13'],
  'a conflict without reason': ['a 0 1 w1', 'b 2 3 c12!'],
  'an unknown write before its call': ['b 0 1 r1', 'a 2 3 w1?'],
  'an unknown write with two effects': ['a 0 1 w1?', 'b 2 3 r1', 'c 4 5 w2', 'b 6 7 r1'],
  'a delete that did not': ['a 0 1 w1', 'a 2 3 d', 'b 4 5 r1'],
}

describe('a history', () => {
  for (const [name, lines] of Object.entries(good)) {
    it(`is linearizable: ${name}`, () => assert.deepEqual(checkHistory(history(...lines)), { type: 'linearizable' }))
  }

  for (const [name, lines] of Object.entries(bad)) {
    it(`is not: ${name}`, () => assert.equal(checkHistory(history(...lines)).type, 'violation'))
  }

  it('is checked for each key alone', () => {
    const [write, read] = history('a 0 1 w1', 'b 2 3 r-')
    assert.equal(checkHistory([write!, { ...read!, key: 'y' }]).type, 'linearizable')
    const wrong = checkHistory([...history('a 0 1 w1', 'b 2 3 r1'), { ...write!, key: 'y' }, { ...read!, key: 'y' }])
    assert.equal(wrong.type === 'violation' && wrong.key, 'y')
  })

  it('that is wrong is told in few lines', () => {
    const noise = Array.from({ length: 200 }, (_, index) => `n${index % 5} ${index} ${index + 4} w${index % 7}`)
    const verdict = checkHistory(history(...noise, 'a 300 301 w8', 'a 302 303 w9', 'b 304 305 r9', 'c 306 307 r8', 'd 308 309 r9'))
    assert.ok(verdict.type === 'violation')
    assert.equal(
      verdict.report,
      [
        'no order explains these 3 operations on x:',
        '  [300, 301] a: write x = 8 → applied',
        '  [302, 303] a: write x = 9 → applied',
        '  [306, 307] c: read x → 8',
      ].join('\n') + verdict.report.slice(verdict.report.indexOf('\nan order')),
    )
  })

  it('that takes too long is undecided', () => {
    const lines = Array.from({ length: 40 }, (_, index) => `c${index} 0 100 c${index % 2}${(index + 1) % 2}`)
    assert.equal(checkHistory(history('a 0 1 w0', ...lines, 'b 200 201 rz'), 1000).type, 'undecided')
  })

  it('of hundreds of operations with five at a time is decided', () => {
    const operations = simulated(400, 5, 7)
    assert.equal(checkHistory(operations).type, 'linearizable')
    const lost = operations.findLast(({ call }) => call.type === 'read')!
    const stale = operations.map((each) => (each === lost ? { ...each, answer: { type: 'value' as const, value: 'never' } } : each))
    assert.equal(checkHistory(stale).type, 'violation')
  })

  it('is judged as trying every order judges it (law)', () => {
    const operation = fc.record({
      client: fc.constantFrom('a', 'b', 'c'),
      key: fc.constant('x'),
      text: fc.constantFrom('w1', 'w2', 'w1?', 'd', 'r1', 'r2', 'r-', 'c12', 'c12!', 'c-1', 'c-1!', 'c21?'),
      invokedAt: fc.integer({ min: 0, max: 12 }),
      lasts: fc.integer({ min: 0, max: 5 }),
    })
    let wrong = 0
    fc.assert(
      fc.property(fc.array(operation, { maxLength: 6 }), (drawn) => {
        const operations = drawn.map(({ client, key, text, invokedAt, lasts }): HistoryOperation => {
          const [call, answer] = parse(text)
          return { client, key, call, answer, invokedAt, respondedAt: invokedAt + lasts }
        })
        const verdict = checkHistory(operations)
        assert.equal(verdict.type, isExplained(operations) ? 'linearizable' : 'violation')
        if (verdict.type !== 'violation') return
        wrong++
        // What is reported is wrong by itself, and leaving out a read explains it.
        assert.ok(!isExplained(verdict.operations))
        for (const each of verdict.operations) {
          if (each.call.type === 'read') assert.ok(isExplained(verdict.operations.filter((other) => other !== each)))
        }
      }),
      { numRuns: 3000 },
    )
    assert.ok(wrong > 300, `${wrong} wrong histories`)
  })
})

/** By trying every order of every subset that holds all answered operations. */
function isExplained(operations: readonly HistoryOperation[], value?: string): boolean {
  if (operations.every(({ answer }) => answer.type === 'unknown')) return true
  const firstAnswer = Math.min(...operations.map(({ answer, respondedAt }) => (answer.type === 'unknown' ? Infinity : respondedAt)))
  return operations.some((operation) => {
    if (operation.invokedAt > firstAnswer) return false
    const next = applyCall(value, operation)
    return (
      next !== undefined &&
      isExplained(
        operations.filter((each) => each !== operation),
        next.value,
      )
    )
  })
}

/** A history of a real register, with `width` clients whose operations overlap. */
function simulated(count: number, width: number, seed: number): HistoryOperation[] {
  let state = seed
  const draw = (bound: number): number => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return Math.floor((state / 2 ** 32) * bound)
  }
  let value: string | undefined
  const free = Array.from({ length: width }, () => 0)
  return Array.from({ length: count }, (_, index) => {
    const client = index % width
    const effectAt = index * 10
    const invokedAt = Math.max(free[client]!, effectAt - draw(10 * width))
    const respondedAt = effectAt + draw(5 * width)
    free[client] = respondedAt
    const kind = draw(3)
    const next = String(draw(5))
    const call: RegisterCall =
      kind === 0
        ? { type: 'read' }
        : kind === 1
          ? { type: 'write', value: next }
          : { type: 'compare-and-set', expected: String(draw(5)), value: next }
    const applies = call.type !== 'compare-and-set' || call.expected === value
    const answer: RegisterAnswer = call.type === 'read' ? { type: 'value', value } : { type: applies ? 'applied' : 'conflict' }
    if (call.type !== 'read' && applies) value = call.value
    return { client: `c${client}`, key: 'x', call, answer, invokedAt, respondedAt }
  })
}
