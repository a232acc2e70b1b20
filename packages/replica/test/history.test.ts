import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { it } from 'node:test'
import { checkHistory, type HistoryOperation, type RegisterCall } from '@cairn/ledger/testing'
import { randomBelow, seededRandom } from '@cairn/runtime'
import { operationOf, TestReplicas } from './replicas.ts'

// Goal: what clients of three replicas are told while one of them stops and comes back is what one register for each key would tell.
// Method: 6 clients with compare-and-sets, writes and deletes on 3 keys, each at a replica of its own choice; replica 2 restarts in between.
it('writes of many clients are linearizable while a replica restarts', { timeout: 60_000 }, async () => {
  await using ledger = new TestReplicas('cft-3')
  await ledger.startAll()
  const history: HistoryOperation[] = []
  const clients = Array.from({ length: 6 }, (_, index) => client(ledger, `c${index}`, history))
  await ledger.until(() => history.length > 30)
  await ledger.stop(2)
  await ledger.until(() => history.length > 60)
  await ledger.start(2)
  await Promise.all(clients)
  assert.ok(history.filter(({ answer }) => answer.type !== 'unknown').length > 100)
  assert.ok(history.some(({ answer }) => answer.type === 'conflict'))
  const verdict = checkHistory(history)
  assert.equal(verdict.type === 'violation' ? verdict.report : verdict.type, 'linearizable')
})

const OPERATIONS = 25

async function client(ledger: TestReplicas, name: string, history: HistoryOperation[]): Promise<void> {
  const random = seededRandom(name)
  for (let count = 0; count < OPERATIONS; count++) {
    const key = `k${randomBelow(random, 3)}`
    const [value, expected] = [String(randomBelow(random, 4)), String(randomBelow(random, 4))]
    const kind = randomBelow(random, 8)
    const call: RegisterCall =
      kind === 0 ? { type: 'write', value: undefined } : kind < 3 ? { type: 'write', value } : { type: 'compare-and-set', expected, value }
    const replicas = ledger.running
    const replica = replicas[randomBelow(random, replicas.length)]!
    const invokedAt = performance.now()
    const outcome = await replica.submit(operationFor(call, key), AbortSignal.timeout(5000))
    const respondedAt = performance.now()
    const answer =
      outcome.type === 'final' && (outcome.result.type === 'applied' || outcome.result.type === 'conflict')
        ? { type: outcome.result.type }
        : ({ type: 'unknown' } as const)
    history.push({ client: name, key, call, answer, invokedAt, respondedAt })
  }
}

function operationFor(call: RegisterCall, name: string): ReturnType<typeof operationOf> {
  const key = Buffer.from(name)
  if (call.type !== 'compare-and-set') {
    const value = call.type === 'write' ? call.value : undefined
    return operationOf(value === undefined ? { type: 'delete', key } : { type: 'put', key, value: Buffer.from(value) })
  }
  const hash = (text: string | undefined): string | undefined => text && createHash('sha256').update(text).digest('hex')
  return operationOf({ type: 'compare-and-set', key, expected: hash(call.expected), value: Buffer.from(call.value ?? '') })
}
