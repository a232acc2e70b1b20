import assert from 'node:assert/strict'
import type { CairnProcess } from './cairn-process.ts'

/** What a command that fails must say. */
export interface ExpectedFailure {
  readonly exitCode: number
  /** `code` of the error event, which programs go by. */
  readonly code: string
  /** Part of the one sentence that people are told. */
  readonly message: RegExp
}

/**
 * Waits until `process`, run with `--json`, has failed as documented: the exit code, one error event, and on stderr, log lines aside,
 * one sentence and one hint. No stack trace anywhere.
 */
export async function assertFails(process: CairnProcess, expected: ExpectedFailure): Promise<void> {
  const { exitCode } = await process.exit()
  const { stdout, stderr } = process
  assert.deepEqual(
    process.eventsOf('error').map((event) => ({ code: event['code'], exitCode: event['exitCode'] })),
    [{ code: expected.code, exitCode: expected.exitCode }],
    stdout + stderr,
  )
  assert.equal(exitCode, expected.exitCode)
  const forPeople = stderr.split('\n').filter((line) => line !== '' && !line.startsWith('{'))
  assert.equal(forPeople.length, 2, `one sentence and one hint:\n${stderr}`)
  assert.match(forPeople[0]!, /^cairn: /)
  assert.match(forPeople[0]!, expected.message)
  assert.match(forPeople[1]!, /^hint: \S/)
  // The hint for what nobody has words for.
  assert.doesNotMatch(forPeople[1]!, /CAIRN_DEBUG/)
  assert.doesNotMatch(stdout + stderr, /^ {4}at /m)
}
