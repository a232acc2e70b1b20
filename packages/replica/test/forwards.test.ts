import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Operation } from '@cairn/ledger'
import { Forwards } from '../src/forwards.ts'
import { FORWARDED_TOGETHER_MAX } from '../src/limits.ts'

function operations(count: number, first = 0): readonly Operation[] {
  return Array.from({ length: count }, (_, index) => ({ id: `${first + index}`, body: new Uint8Array() }))
}

describe('operations on their way to a leader', () => {
  it('go together, in order, in messages that the leader takes whole', async () => {
    const sent: { readonly to: readonly string[]; readonly ids: readonly string[] }[] = []
    const forwards = new Forwards((to, some) => sent.push({ to, ids: some.map(({ id }) => id) }))
    forwards.add(['a'], operations(1))
    forwards.add(['b'], operations(1, 5000))
    forwards.add(['a'], operations(FORWARDED_TOGETHER_MAX, 1))
    assert.equal(sent.length, 0)
    await new Promise((resolve) => setImmediate(resolve))
    assert.deepEqual(
      sent.map(({ to, ids }) => [to, ids.length]),
      [
        [['a'], FORWARDED_TOGETHER_MAX],
        [['a'], 1],
        [['b'], 1],
      ],
    )
    assert.deepEqual(
      sent.filter(({ to }) => to[0] === 'a').flatMap(({ ids }) => ids),
      operations(FORWARDED_TOGETHER_MAX + 1).map(({ id }) => id),
    )
    forwards.add(['a'], operations(1, 9000))
    await new Promise((resolve) => setImmediate(resolve))
    assert.deepEqual(sent.at(-1), { to: ['a'], ids: ['9000'] })
  })
})
