import { ProtocolError } from '../../src/errors.ts'

/** For `assert.throws`: a {@link ProtocolError} with that code. */
export function hasFault(code: string): (error: unknown) => boolean {
  return (error) => error instanceof ProtocolError && error.fault.code === code
}
