import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { NetworkError } from '@cairn/network'
import { ObservabilityError } from '@cairn/observability'
import { ProtocolError } from '@cairn/protocol'
import { StorageError } from '@cairn/storage'
import { SwarmError } from '@cairn/swarm'
import { TrustError } from '@cairn/trust'
import { CliError, EXIT, explain, Interrupted, UsageError } from '../src/index.ts'

describe('explain', () => {
  const cases: [what: string, error: unknown, exitCode: number, code: string, hinted: boolean][] = [
    ['a full disk', new StorageError({ code: 'NO_SPACE', path: '/a', bytes: 9 }), EXIT.storage, 'NO_SPACE', true],
    ['foreign files', new StorageError({ code: 'FOREIGN_FILES', path: '/a', found: ['x'] }), EXIT.storage, 'FOREIGN_FILES', true],
    ['a forged file', new TrustError({ code: 'MALFORMED', file: 'root.json', reason: 'cut' }), EXIT.verification, 'MALFORMED', true],
    [
      'a replay',
      new TrustError({ code: 'ROLLED_BACK', file: 'timestamp.json', role: 'timestamp', found: 1, wanted: 2 }),
      EXIT.verification,
      'ROLLED_BACK',
      true,
    ],
    ['metadata nobody has', new TrustError({ code: 'MISSING', file: 'a.json', role: 'a' }), EXIT.noSource, 'MISSING', true],
    ['an unknown ledger', new TrustError({ code: 'UNKNOWN_LEDGER', ledger: 'a', known: ['b'] }), EXIT.usage, 'UNKNOWN_LEDGER', true],
    ['bad bytes', new ProtocolError({ code: 'BAD_CID', reason: 'short' }), EXIT.verification, 'BAD_CID', true],
    ['no source', new SwarmError({ code: 'NO_SOURCE', what: 'a', reason: 'no-source', waitedMs: 9 }), EXIT.noSource, 'NO_SOURCE', true],
    ['a lone liar', new SwarmError({ code: 'UNVERIFIABLE', what: 'a', peer: 'b', chunk: 1 }), EXIT.verification, 'UNVERIFIABLE', true],
    ['a port in use', new NetworkError({ code: 'LISTEN_FAILED', address: 'a', reason: 'used' }), EXIT.failed, 'LISTEN_FAILED', true],
    ['a peer that is away', new NetworkError({ code: 'DIAL_FAILED', address: 'a', reason: 'refused' }), EXIT.noSource, 'DIAL_FAILED', true],
    [
      'an HTTP port in use',
      new ObservabilityError({ code: 'LISTEN_FAILED', address: 'a:1', errno: 'EADDRINUSE', reason: 'used' }),
      EXIT.failed,
      'LISTEN_FAILED',
      true,
    ],
    ['a usage error', new UsageError('no', 'do'), EXIT.usage, 'USAGE', true],
    ['a command that knows better', new CliError('no', undefined, EXIT.noSource), EXIT.noSource, 'FAILED', false],
    ['an interruption', new Interrupted('SIGTERM'), EXIT.terminated, 'INTERRUPTED', false],
    ["the system's own words", Object.assign(new Error('write ENOSPC'), { code: 'ENOSPC' }), EXIT.storage, 'ENOSPC', true],
    ['a time-out', AbortSignal.abort(new DOMException('too slow', 'TimeoutError')).reason, EXIT.noSource, 'TIMED_OUT', true],
    ['a bug', new TypeError('x is not a function'), EXIT.failed, 'FAILED', true],
    ['anything', 'thrown text', EXIT.failed, 'FAILED', true],
  ]
  for (const [what, error, exitCode, code, hinted] of cases) {
    it(`gives ${what} its exit code`, () => {
      const explanation = explain(error)
      assert.deepEqual([explanation.exitCode, explanation.code, explanation.hint !== undefined], [exitCode, code, hinted])
    })
  }

  it('looks behind wrappers, and not forever', () => {
    const disk = new StorageError({ code: 'NO_SPACE', path: '/a' })
    assert.equal(explain(new Error('join failed', { cause: disk })).code, 'NO_SPACE')
    assert.equal(explain(new AggregateError([new Error('other'), disk], 'all failed')).code, 'NO_SPACE')
    assert.equal(explain(new SuppressedError(new Error('not closed'), disk)).code, 'NO_SPACE')
    assert.equal(explain(new SuppressedError(disk, new Error('failed'))).code, 'NO_SPACE')
    const loop = new Error('loop')
    loop.cause = loop
    assert.equal(explain(loop).message, 'loop')
  })

  it('says one sentence, whatever the message is made of', () => {
    assert.equal(explain(new Error('two\n  lines \u001B[31mred.')).message, 'two lines �[31mred')
    assert.equal(explain(new Error('')).message, 'Error')
  })
})
