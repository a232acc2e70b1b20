/** What a client asked of a key. Values are text; `undefined` is no value. */
export type RegisterCall =
  | { readonly type: 'read' }
  /** Deletes if `value` is `undefined`. */
  | { readonly type: 'write'; readonly value: string | undefined }
  | { readonly type: 'compare-and-set'; readonly expected: string | undefined; readonly value: string | undefined }

/** What the client was told: a read's value, whether a compare-and-set applied. */
export type RegisterAnswer =
  | { readonly type: 'value'; readonly value: string | undefined }
  | { readonly type: 'applied' }
  | { readonly type: 'conflict' }
  /** Nothing, or that nobody knows: it may have had its effect, at any time since, or may have it yet, or never. */
  | { readonly type: 'unknown' }

/** One operation of a history, as its client saw it. Times are of one clock that never goes back; equal times are concurrent. */
export interface HistoryOperation {
  readonly client: string
  readonly key: string
  readonly call: RegisterCall
  readonly answer: RegisterAnswer
  readonly invokedAt: number
  /** Ignored where the answer is unknown. */
  readonly respondedAt: number
}

/** The register after `operation`, or `undefined` if it cannot have been answered as it was. */
export function applyCall(
  value: string | undefined,
  { call, answer }: HistoryOperation,
): { readonly value: string | undefined } | undefined {
  switch (call.type) {
    case 'read':
      return answer.type === 'unknown' || (answer.type === 'value' && answer.value === value) ? { value } : undefined
    case 'write':
      return answer.type === 'unknown' || answer.type === 'applied' ? { value: call.value } : undefined
    case 'compare-and-set': {
      const applies = value === call.expected
      if (answer.type !== 'unknown' && answer.type !== (applies ? 'applied' : 'conflict')) return undefined
      return { value: applies ? call.value : value }
    }
    default:
      return call satisfies never
  }
}

/** Whether it leaves the register as it is, whatever that is. */
export function hasNoEffect({ call, answer }: HistoryOperation): boolean {
  return call.type === 'read' || answer.type === 'conflict'
}

/** `operation` on one line. */
export function describeOperation({ client, key, call, answer, invokedAt, respondedAt }: HistoryOperation): string {
  const until = answer.type === 'unknown' ? '…' : String(respondedAt)
  return `[${invokedAt}, ${until}] ${client}: ${describeCall(call, key)} → ${describeAnswer(answer)}`
}

function describeCall(call: RegisterCall, key: string): string {
  switch (call.type) {
    case 'read':
      return `read ${key}`
    case 'write':
      return call.value === undefined ? `delete ${key}` : `write ${key} = ${call.value}`
    case 'compare-and-set':
      return `set ${key} = ${call.value ?? 'nothing'} if it is ${call.expected ?? 'nothing'}`
    default:
      return call satisfies never
  }
}

function describeAnswer(answer: RegisterAnswer): string {
  return answer.type === 'value' ? (answer.value ?? 'nothing') : answer.type
}
