import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import * as fc from 'fast-check'
import { ByteSemaphore } from '../src/index.ts'

const BYTES_MAX = 100

/** A request for bytes, or the release of one of those held, chosen by `pick`. */
const actions = fc.array(
  fc.oneof(
    fc.record({ type: fc.constant('acquire' as const), bytes: fc.nat(150) }),
    fc.record({ type: fc.constant('release' as const), pick: fc.nat() }),
  ),
  { maxLength: 60 },
)

describe('whatever is asked of a ByteSemaphore', () => {
  it('never admits more than its bound, admits in the order asked, and in the end everyone', async () => {
    await fc.assert(
      fc.asyncProperty(actions, async (actions) => {
        const semaphore = new ByteSemaphore(BYTES_MAX)
        const requested: number[] = []
        const admitted: number[] = []
        const held: { readonly bytes: number; readonly release: () => void }[] = []
        const check = async (): Promise<void> => {
          await new Promise((resolve) => setImmediate(resolve))
          const heldBytes = held.reduce((sum, { bytes }) => sum + bytes, 0)
          assert.equal(semaphore.usedBytes, heldBytes)
          assert.ok(heldBytes <= BYTES_MAX)
          assert.deepEqual(
            admitted,
            admitted.map((_, i) => i),
          ) // first come, first served
          // Nobody waits for bytes that are free.
          const next = requested[admitted.length]
          if (next !== undefined) assert.ok(heldBytes + next > BYTES_MAX)
        }
        const request = async (asked: number): Promise<void> => {
          const bytes = Math.min(asked, BYTES_MAX)
          const i = requested.push(bytes) - 1
          const release = await semaphore.acquire(asked)
          admitted.push(i)
          held.push({ bytes, release })
        }
        for (const action of actions) {
          if (action.type === 'acquire') {
            void request(action.bytes)
          } else if (held.length > 0) {
            held.splice(action.pick % held.length, 1)[0]!.release()
          }
          await check()
        }
        while (held.length > 0) {
          held.shift()!.release()
          await check()
        }
        assert.equal(admitted.length, requested.length)
      }),
      { numRuns: 50 },
    )
  })
})
