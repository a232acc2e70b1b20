import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { dialFailureReason, listenFault } from '../../src/libp2p/reasons.ts'

describe('dialFailureReason', () => {
  test('finds the reason in what libp2p wraps', () => {
    const refused = Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED' })
    assert.equal(dialFailureReason(refused), 'connection refused')
    assert.equal(dialFailureReason(new AggregateError([refused])), 'connection refused')
    assert.equal(dialFailureReason(new Error('outer', { cause: refused })), 'connection refused')
    assert.equal(dialFailureReason(Object.assign(new Error(), { name: 'TimeoutError' })), 'timed out')
    assert.equal(dialFailureReason(new Error('Unexpected Peer')), 'another peer answers at that address')
  })

  test('says little of what it does not know', () => {
    assert.equal(dialFailureReason(new Error('a secret')), 'the connection failed')
    assert.equal(dialFailureReason('a secret'), 'the connection failed')
  })
})

describe('listenFault', () => {
  test('names the address that failed and not its neighbours', () => {
    const error = new Error('Some failed:\n\n  /ip4/0.0.0.0/tcp/81: Error: listen EACCES: permission denied\n    at net')
    assert.deepEqual(listenFault(error, ['/ip4/0.0.0.0/tcp/8', '/ip4/0.0.0.0/tcp/81']), {
      code: 'LISTEN_FAILED',
      address: '/ip4/0.0.0.0/tcp/81',
      reason: 'permission denied',
    })
  })
})
