import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { initialTrust, judgeTimestamp } from '../src/index.ts'
import { assertFault } from './assert-fault.ts'
import { amend, fields, KEYS, NOW, release, Repository, TOMORROW, update } from './repository.ts'

describe('a timestamp', () => {
  it('of the past is refused once a newer one was seen', () => {
    const repository = new Repository()
    const old = repository.copy()
    repository.stamp()
    const state = update(initialTrust(repository.root, NOW), repository.files)
    assertFault(() => update(state, old), { code: 'ROLLED_BACK', file: 'timestamp.json', role: 'timestamp', found: 1, wanted: 2 })
    assertFault(() => judgeTimestamp(state, old['timestamp.json']!, NOW), { code: 'ROLLED_BACK' })
  })

  it('cannot say two things under one version', () => {
    const repository = new Repository()
    const state = update(initialTrust(repository.root, NOW), repository.files)
    const other = amend(repository.files['timestamp.json']!, { expires: '2027-06-01T00:00:00Z' }, [KEYS.timestamp])
    assertFault(() => update(state, { ...repository.files, 'timestamp.json': other }), { code: 'MIXED', file: 'timestamp.json' })
  })

  it('cannot give an old snapshot a new date', () => {
    const repository = new Repository()
    const old = repository.files['timestamp.json']!
    repository.publish()
    const state = update(initialTrust(repository.root, NOW), repository.files)
    const { meta } = fields(old)
    const redated = amend(repository.files['timestamp.json']!, { version: 9, meta: meta! }, [KEYS.timestamp])
    const wanted = { code: 'ROLLED_BACK', file: 'snapshot.json', found: 1, wanted: 2 } as const
    assertFault(() => update(state, { ...repository.files, 'timestamp.json': redated }), wanted)
  })

  it('holds until its expiry and no longer, seen before or not', () => {
    const repository = new Repository()
    const initial = initialTrust(repository.root, NOW)
    const state = update(initial, repository.files, { now: TOMORROW - 1 })
    const wanted = { code: 'EXPIRED', file: 'timestamp.json', role: 'timestamp', expiresAt: TOMORROW, now: TOMORROW } as const
    assertFault(() => update(initial, repository.files, { now: TOMORROW }), wanted)
    assertFault(() => update(state, repository.files, { now: TOMORROW }), wanted)
    assertFault(() => update(state, repository.files, { now: Number.NaN }), { code: 'EXPIRED' })
  })

  it('cannot be given words that its signer did not sign', () => {
    const repository = new Repository()
    const text = Buffer.from(repository.files['timestamp.json']!).toString()
    const additions = [
      text.replace('"meta":{', '"meta":{"root.json":{"version":1},'),
      text.replace('"version":1}}', '"version":1},"x":1}'),
      text.replace('{"signatures"', '{"more":1,"signatures"'),
      text.replace('"sig":', '"note":"","sig":'),
      `${text}\n`,
      ` ${text}`,
      text.replace('"version":1', '"version":1.0'),
      text.replace('"version":1', '"version":01'),
      text.replace('"timestamp"', '"t\\u0069mestamp"'),
      text.replace(/"sig":"([0-9a-f]+)"/, (_, sig: string) => `"sig":"${sig.toUpperCase()}"`),
      text.replace(/"sig":"([0-9a-f]+)"/, (_, sig: string) => `"sig":"${sig}zz"`),
    ]
    for (const [index, addition] of additions.entries()) {
      assert.notEqual(addition, text, `addition ${index} changes something`)
      assertFault(() => judgeTimestamp(initialTrust(repository.root, NOW), Buffer.from(addition), NOW), { code: 'MALFORMED' })
    }
  })

  it('has a date that every reader reads alike', () => {
    const repository = new Repository()
    for (const expires of [
      'May 2027',
      '2027-06-01',
      '2027-02-30T00:00:00Z',
      '2027-06-01T00:00:00+01:00',
      '2027-06-01T24:00:00Z',
      '9999-99-99T99:99:99Z',
    ]) {
      const bytes = amend(repository.files['timestamp.json']!, { expires }, [KEYS.timestamp])
      assertFault(() => judgeTimestamp(initialTrust(repository.root, NOW), bytes, NOW), { code: 'MALFORMED', file: 'timestamp.json' })
    }
  })
})

describe('judgeTimestamp', () => {
  it('tells news from what is known, without fetching', () => {
    const repository = new Repository()
    const initial = initialTrust(repository.root, NOW)
    assert.equal(judgeTimestamp(initial, repository.files['timestamp.json']!, NOW), 'newer')
    const state = update(initial, repository.files)
    assert.equal(judgeTimestamp(state, repository.files['timestamp.json']!, NOW), 'known')
    repository.add(release('alpha', 3))
    repository.publish()
    assert.equal(judgeTimestamp(state, repository.files['timestamp.json']!, NOW), 'newer')
    assertFault(() => judgeTimestamp(state, amend(repository.files['timestamp.json']!, {}, [KEYS.stranger]), NOW), { code: 'FORGED' })
    assertFault(() => judgeTimestamp(state, repository.files['timestamp.json']!, TOMORROW), { code: 'EXPIRED' })
  })
})
