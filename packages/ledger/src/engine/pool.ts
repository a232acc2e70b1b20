import {
  OPERATION_BYTES_MAX,
  OPERATION_ID_BYTES_MAX,
  operationBytes,
  type Operation,
  type Payload,
  PAYLOAD_BYTES_MAX,
  PAYLOAD_OPERATIONS_MAX,
} from '../payload.ts'
import { makeUrgent } from './advance.ts'
import type { Notice, RejectReason } from './events.ts'
import { FORWARD_OPERATIONS_MAX, POOL_BYTES_MAX, POOL_OPERATIONS_MAX, RECENT_OPERATIONS_MAX } from './limits.ts'
import { emitEffect, type EngineState, leaderOf, send } from './state.ts'

/** Admission: takes a client's operation, or says at once why not and when to come back. Queues never grow beyond their limits. */
export function submit(state: EngineState, operation: Operation): void {
  const { pool } = state
  const { id } = operation
  if (pool.recent.has(id)) return notice(state, { type: 'duplicate', operation: id, final: true })
  if (pool.ids.has(id)) return notice(state, { type: 'duplicate', operation: id, final: false })
  const refused = refusal(state, operation)
  if (refused !== undefined) {
    return notice(state, { type: 'rejected', operation: id, reason: refused, retryAfterMs: retryAfterMs(state, refused) })
  }
  hold(state, operation)
  pool.own.push(operation)
  notice(state, { type: 'queued', operation: id })
  state.changed = true
  makeUrgent(state)
  forward(state)
}

/** Takes operations that another replica's clients handed in there; it keeps them until they are final. */
export function receiveOperations(state: EngineState, operations: readonly Operation[]): void {
  for (const operation of operations.slice(0, FORWARD_OPERATIONS_MAX)) {
    if (state.pool.recent.has(operation.id) || state.pool.ids.has(operation.id) || refusal(state, operation) !== undefined) continue
    hold(state, operation)
    state.pool.foreign.push(operation)
    state.changed = true
    makeUrgent(state)
  }
}

function refusal(state: EngineState, operation: Operation): RejectReason | undefined {
  if (state.seat === undefined || state.halted) return 'not-a-seat'
  const tooLarge = operation.body.byteLength > OPERATION_BYTES_MAX || Buffer.byteLength(operation.id) > OPERATION_ID_BYTES_MAX
  if (tooLarge) return 'too-large'
  const { ids, bytesCount } = state.pool
  return ids.size >= POOL_OPERATIONS_MAX || bytesCount + operationBytes(operation) > POOL_BYTES_MAX ? 'pool-full' : undefined
}

/** Some slots' worth of waiting, more the longer nothing became final. Never is for what no waiting mends. */
function retryAfterMs(state: EngineState, reason: RejectReason): number {
  return reason === 'too-large' ? 0 : state.init.settings.leaderTimeoutMs * (1 + Math.min(state.barren, 8))
}

function hold({ pool }: EngineState, operation: Operation): void {
  pool.ids.add(operation.id)
  pool.bytesCount += operationBytes(operation)
}

/** Sends what waits here to the leader of the current slot, once for each term; `again` for what may have been lost. */
export function forward(state: EngineState, again = false): void {
  const { pool } = state
  if (state.seat === undefined || !state.active) return
  const leader = leaderOf(state, state.current)
  if (pool.forwardedTo !== leader || again) {
    pool.forwardedTo = leader
    pool.forwardedCount = 0
  }
  if (leader === state.seat) return
  const operations = pool.own.slice(pool.forwardedCount, pool.forwardedCount + FORWARD_OPERATIONS_MAX)
  pool.forwardedCount += operations.length
  const { peer } = state.epoch.committee.members[leader]!
  if (operations.length > 0) send(state, [peer], { type: 'operations', operations })
}

/** Says the oldest operations again that the leader was told of: those that wait longest may have been lost, and the rest is behind them. */
export function forwardOldest(state: EngineState): void {
  const { pool } = state
  const leader = leaderOf(state, state.current)
  if (state.seat === undefined || !state.active || leader === state.seat || pool.forwardedTo !== leader) return
  const operations = pool.own.slice(0, Math.min(pool.forwardedCount, FORWARD_OPERATIONS_MAX))
  if (operations.length > 0) send(state, [state.epoch.committee.members[leader]!.peer], { type: 'operations', operations })
}

/** The next block's operations, in the order of arrival, without those that `taken` holds: the ancestors that are not final have them. */
export function takeBatch(state: EngineState, taken: ReadonlySet<string>): Payload {
  const batch: Operation[] = []
  let bytes = 4
  for (const operation of [...state.pool.own, ...state.pool.foreign]) {
    if (taken.has(operation.id)) continue
    bytes += operationBytes(operation)
    if (bytes > PAYLOAD_BYTES_MAX || batch.length >= PAYLOAD_OPERATIONS_MAX) break
    batch.push(operation)
  }
  return batch
}

/** Drops what became final, and remembers its ids for a while. */
export function forgetFinal(state: EngineState, payload: Payload): void {
  const { pool } = state
  let removed = false
  for (const operation of payload) {
    pool.recent.add(operation.id)
    if (!pool.ids.delete(operation.id)) continue
    pool.bytesCount -= operationBytes(operation)
    removed = true
  }
  for (const id of pool.recent) {
    if (pool.recent.size <= RECENT_OPERATIONS_MAX) break
    pool.recent.delete(id)
  }
  if (!removed) return
  const before = pool.own.slice(0, pool.forwardedCount)
  pool.forwardedCount = before.filter(({ id }) => pool.ids.has(id)).length
  pool.own = pool.own.filter(({ id }) => pool.ids.has(id))
  pool.foreign = pool.foreign.filter(({ id }) => pool.ids.has(id))
}

function notice(state: EngineState, event: Notice): void {
  emitEffect(state, { type: 'emit', event })
}
