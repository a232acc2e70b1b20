import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { ed25519Verifier } from '@cairn/ledger'
import { ManualClock } from '@cairn/runtime/testing'
import { Admission } from '../src/admission.ts'
import { guardedBy, type ReplicaError } from '../src/errors.ts'
import { Submissions } from '../src/submissions.ts'
import { LEDGER, put } from './replicas.ts'

describe('submissions', () => {
  it('tell of a damaged state that they meet, and hand nothing in', async () => {
    const failures: ReplicaError[] = []
    await using admission = new Admission({ ledger: LEDGER, signedOperations: false, verifier: ed25519Verifier() })
    const submissions = new Submissions({
      clock: new ManualClock(),
      admission,
      store: () => {
        // As SQLite says it.
        throw Object.assign(new Error('database disk image is malformed'), { errcode: 11 })
      },
      guarded: guardedBy('/seat', (error) => failures.push(error)),
      handIn: () => assert.fail('handed in'),
    })
    await assert.rejects(submissions.submit(put('key', 'value')), /malformed/)
    assert.deepEqual(
      failures.map(({ fault }) => fault),
      [{ code: 'STATE_CORRUPT', path: '/seat', reason: 'database disk image is malformed' }],
    )
  })
})
