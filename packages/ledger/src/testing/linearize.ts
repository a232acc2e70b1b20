import { applyCall, type HistoryOperation } from './history.ts'

/** What a search for an order found. */
export type Linearization =
  /** An order in which each operation takes effect between its call and its answer, and every answer is right. */
  | { readonly type: 'found'; readonly order: readonly HistoryOperation[]; readonly steps: number }
  /** There is none. `deepest` is the longest beginning of one. */
  | { readonly type: 'none'; readonly deepest: readonly HistoryOperation[]; readonly steps: number }
  /** Not decided within the steps that were allowed. */
  | { readonly type: 'undecided'; readonly steps: number }

/** A call or an answer in the list of what is not in the order yet. */
interface Event {
  readonly operation: HistoryOperation
  readonly index: number
  /** The answer to this call; none for an answer itself. */
  readonly answer: Event | undefined
  before: Event | undefined
  after: Event | undefined
}

/**
 * Looks for an order of the operations on one key, by trying for the next place every operation that was called before the first answer to one
 * without a place; and never twice the same set of operations with the same value.
 *
 * @see Wing and Gong, Testing and Verifying Concurrent Objects (1993); Lowe, Testing for Linearizability (2017), for the list and the memory
 */
export function linearize(operations: readonly HistoryOperation[], stepsMax: number): Linearization {
  // A read that nobody was told the value of says nothing.
  const relevant = operations.filter(({ call, answer }) => call.type !== 'read' || answer.type !== 'unknown')
  const head = eventsOf(relevant)
  let answersLeft = relevant.filter(({ answer }) => answer.type !== 'unknown').length
  const placed = new Uint32Array(Math.ceil(relevant.length / 32))
  const seen = new Set<string>()
  const order: { readonly event: Event; readonly value: string | undefined }[] = []
  let deepest: readonly HistoryOperation[] = []
  let value: string | undefined
  let event = head.after
  let steps = 0
  while (answersLeft > 0) {
    if (++steps > stepsMax) return { type: 'undecided', steps }
    if (event?.answer !== undefined) {
      const next = applyCall(value, event.operation)
      if (next !== undefined) {
        flip(placed, event.index)
        const known = `${next.value === undefined ? '' : `=${next.value}`}/${placed.join()}`
        if (!seen.has(known)) {
          seen.add(known)
          order.push({ event, value })
          value = next.value
          lift(event)
          if (event.operation.answer.type !== 'unknown') answersLeft--
          if (order.length > deepest.length) deepest = order.map(({ event }) => event.operation)
          event = head.after
          continue
        }
        flip(placed, event.index)
      }
      event = event.after
      continue
    }
    // An answer to an operation that has no place, or the end: what was placed last must go elsewhere.
    const last = order.pop()
    if (last === undefined) return { type: 'none', deepest, steps }
    flip(placed, last.event.index)
    unlift(last.event)
    if (last.event.operation.answer.type !== 'unknown') answersLeft++
    value = last.value
    event = last.event.after
  }
  return { type: 'found', order: order.map(({ event }) => event.operation), steps }
}

/** Calls and answers by their times, calls first where they are equal, behind a head; unknown answers are at the end. */
function eventsOf(operations: readonly HistoryOperation[]): Event {
  const timed = operations.flatMap((operation, index) => {
    const answer: Event = { operation, index, answer: undefined, before: undefined, after: undefined }
    const call: Event = { operation, index, answer, before: undefined, after: undefined }
    const answeredAt = operation.answer.type === 'unknown' ? Infinity : operation.respondedAt
    return [
      { at: operation.invokedAt, rank: 0, event: call },
      { at: answeredAt, rank: 1, event: answer },
    ]
  })
  timed.sort((a, b) => (a.at === b.at ? a.rank - b.rank : a.at - b.at))
  const [first] = operations
  if (first === undefined) return { operation: NOTHING, index: -1, answer: undefined, before: undefined, after: undefined }
  const head: Event = { operation: first, index: -1, answer: undefined, before: undefined, after: undefined }
  let last = head
  for (const { event } of timed) {
    last.after = event
    event.before = last
    last = event
  }
  return head
}

const NOTHING: HistoryOperation = {
  client: '',
  key: '',
  call: { type: 'read' },
  answer: { type: 'unknown' },
  invokedAt: 0,
  respondedAt: 0,
}

function lift(call: Event): void {
  for (const event of [call, call.answer]) {
    if (event?.before !== undefined) event.before.after = event.after
    if (event?.after !== undefined) event.after.before = event.before
  }
}

/** In reverse, so that each is put back between the neighbours that it had. */
function unlift(call: Event): void {
  for (const event of [call.answer, call]) {
    if (event?.before !== undefined) event.before.after = event
    if (event?.after !== undefined) event.after.before = event
  }
}

function flip(bits: Uint32Array, index: number): void {
  const word = index >>> 5
  bits[word] = (bits[word] ?? 0) ^ (1 << (index & 31))
}
