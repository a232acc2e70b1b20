import assert from 'node:assert/strict'
import { StorageError, type StorageFault } from '../src/index.ts'

/** Awaits a rejection with a {@link StorageError} of this code, and gives its fault. */
export async function faultOf<Code extends StorageFault['code']>(
  promise: Promise<unknown>,
  code: Code,
): Promise<Extract<StorageFault, { code: Code }>> {
  const error: unknown = await promise.then(
    () => assert.fail(`resolved, ${code} was expected`),
    (error: unknown) => error,
  )
  assert.ok(error instanceof StorageError, `a StorageError: ${String(error)}`)
  assert.equal(error.fault.code, code, error.message)
  return error.fault as Extract<StorageFault, { code: Code }>
}

export function systemError(code: string, message = 'made by a test'): Error {
  return Object.assign(new Error(`${code}: ${message}`), { code })
}
