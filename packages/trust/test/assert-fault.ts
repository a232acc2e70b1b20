import assert from 'node:assert/strict'
import { TrustError, type TrustFault } from '../src/index.ts'

/** Asserts that `run` throws a {@link TrustError} whose fault has at least these fields. */
export function assertFault(run: () => unknown, wanted: Partial<TrustFault> & Pick<TrustFault, 'code'>): void {
  assert.throws(run, (error) => {
    assert.ok(error instanceof TrustError, String(error))
    assert.partialDeepStrictEqual(error.fault, wanted)
    // One printable sentence.
    assert.match(error.message, /^[^\n]+$/)
    assert.doesNotMatch(error.message, /\[object/)
    return true
  })
}
