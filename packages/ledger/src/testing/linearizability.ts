import { describeOperation, hasNoEffect, type HistoryOperation } from './history.ts'
import { linearize } from './linearize.ts'

/** What a history of reads and writes shows. */
export type HistoryVerdict =
  | { readonly type: 'linearizable' }
  /** No order explains what the clients of `key` were told. `operations` are few of them that suffice, `report` tells about them in lines. */
  | { readonly type: 'violation'; readonly key: string; readonly operations: readonly HistoryOperation[]; readonly report: string }
  /** Too many operations at once to decide within the steps that were allowed. */
  | { readonly type: 'undecided'; readonly key: string }

/** A history with tens of operations under way at any time takes some hundred steps for each; it is the hopeless ones that take more. */
export const STEPS_MAX = 1_000_000

/**
 * Whether one register for each key, where every operation takes effect at one moment between its call and its answer, could have given all
 * these answers. Keys are independent, so each is searched alone (Herlihy and Wing: linearizability is local).
 */
export function checkHistory(history: readonly HistoryOperation[], stepsMax: number = STEPS_MAX): HistoryVerdict {
  let undecided: string | undefined
  for (const [key, operations] of Map.groupBy(history, ({ key }) => key)) {
    const found = linearize(operations, stepsMax)
    if (found.type === 'none') return violation(key, smallest(operations), stepsMax)
    if (found.type === 'undecided') undecided ??= key
  }
  return undecided === undefined ? { type: 'linearizable' } : { type: 'undecided', key: undecided }
}

/**
 * A small history that is wrong for the same reason. Every step asks for less than the one before, so what is left was wrong in the whole:
 * answers after a time are not looked at, reads are left out, and of writes it is left open when and whether they took effect.
 *
 * What cannot be judged within {@link SHRINK_STEPS_MAX} stays: asking for less may make the search longer.
 */
function smallest(operations: readonly HistoryOperation[]): readonly HistoryOperation[] {
  let trialsLeft = SHRINK_TRIALS_MAX
  const isWrong = (candidate: readonly HistoryOperation[]): boolean =>
    trialsLeft-- > 0 && linearize(candidate, SHRINK_STEPS_MAX).type === 'none'
  const nothing = (): readonly HistoryOperation[] => []
  let left = operations
  left = withoutMost(left, (operation) => isUnobserved(operation, left), nothing, isWrong)
  left = shortest(left, isWrong)
  left = withoutMost(left, hasNoEffect, nothing, isWrong)
  left = withoutMost(
    left,
    ({ answer }) => answer.type === 'applied',
    (operation) => [forgotten(operation)],
    isWrong,
  )
  left = withoutMost(left, (operation) => isUnobserved(operation, left), nothing, isWrong)
  return left.toSorted((a, b) => a.invokedAt - b.invokedAt)
}

/** Trials and steps of each to make a report smaller: seconds at most. */
const SHRINK_TRIALS_MAX = 200
const SHRINK_STEPS_MAX = 10_000

type Judge = (history: readonly HistoryOperation[]) => boolean

/** The history up to the first answer with which it is wrong. */
function shortest(operations: readonly HistoryOperation[], isWrong: Judge): readonly HistoryOperation[] {
  const answered = operations.filter(({ answer }) => answer.type !== 'unknown')
  const times = [...new Set(answered.map(({ respondedAt }) => respondedAt))].sort((a, b) => a - b)
  const until = (time: number): readonly HistoryOperation[] =>
    operations
      .filter(({ invokedAt }) => invokedAt <= time)
      .map((operation) => (operation.respondedAt <= time ? operation : forgotten(operation)))
  let [low, high] = [0, times.length - 1]
  while (low < high) {
    const middle = (low + high) >>> 1
    if (isWrong(until(times[middle] ?? Infinity))) high = middle
    else low = middle + 1
  }
  const short = until(times[low] ?? Infinity)
  return isWrong(short) ? short : operations
}

/** The history with as many operations as possible that `matches` replaced: many at a time first, then fewer. */
function withoutMost(
  operations: readonly HistoryOperation[],
  matches: (operation: HistoryOperation) => boolean,
  replace: (operation: HistoryOperation) => readonly HistoryOperation[],
  isWrong: Judge,
): readonly HistoryOperation[] {
  let left = operations
  const candidates = operations.filter(matches)
  for (let size = candidates.length; size >= 1; size = size === 1 ? 0 : Math.ceil(size / 2)) {
    for (let start = 0; start < candidates.length; start += size) {
      const chosen = new Set(candidates.slice(start, start + size).filter((each) => left.includes(each)))
      const smaller = left.flatMap((each) => (chosen.has(each) ? replace(each) : [each]))
      if (chosen.size > 0 && isWrong(smaller)) left = smaller
    }
  }
  return left
}

function forgotten(operation: HistoryOperation): HistoryOperation {
  return { ...operation, answer: { type: 'unknown' } }
}

/**
 * Whether a write makes no difference to any answer: nobody was told its value, nor that another value was not there. An order with it is
 * still one without it.
 */
function isUnobserved({ call, answer }: HistoryOperation, history: readonly HistoryOperation[]): boolean {
  if (answer.type === 'value' || call.type !== 'write') return false
  return history.every((other) => {
    if (other.call.type === 'compare-and-set') return other.answer.type !== 'conflict' && other.call.expected !== call.value
    return other.answer.type !== 'value' || other.answer.value !== call.value
  })
}

function violation(key: string, operations: readonly HistoryOperation[], stepsMax: number): HistoryVerdict {
  const found = linearize(operations, stepsMax)
  const deepest = found.type === 'none' ? found.deepest : []
  const stuck = operations.filter((operation) => !deepest.includes(operation) && operation.answer.type !== 'unknown')
  const report = [
    `no order explains these ${operations.length} operations on ${key}:`,
    ...operations.map((operation) => `  ${describeOperation(operation)}`),
    deepest.length === 0 ? 'none of them can come first' : 'an order that goes far:',
    ...deepest.map((operation, index) => `  ${index + 1}. ${describeOperation(operation)}`),
    'after which none of these can be answered as it was:',
    ...stuck.map((operation) => `  ${describeOperation(operation)}`),
  ].join('\n')
  return { type: 'violation', key, operations, report }
}
