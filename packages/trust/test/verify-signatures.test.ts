import { describe, it } from 'node:test'
import { initialTrust, newRoot } from '../src/index.ts'
import { assertFault } from './assert-fault.ts'
import { amend, fields, KEYS, NEXT_YEAR, NOW, Repository, ROLES, signAnything, update } from './repository.ts'

describe('a threshold', () => {
  const roles = { ...ROLES, timestamp: { keys: [KEYS.timestamp, KEYS.spare], threshold: 2 } }
  const begin = (): Repository => {
    const repository = new Repository()
    repository.files['root.json'] = newRoot({ roles, expiresAt: NEXT_YEAR, signers: [KEYS.root] })
    return repository
  }

  it('is met by as many different keys', () => {
    const repository = begin()
    repository.files['timestamp.json'] = amend(repository.files['timestamp.json']!, {}, [KEYS.timestamp, KEYS.spare])
    update(initialTrust(repository.root, NOW), repository.files)
  })

  it('is not met by fewer', () => {
    const repository = begin()
    const wanted = { code: 'FORGED', role: 'timestamp', found: 1, wanted: 2 } as const
    assertFault(() => update(initialTrust(repository.root, NOW), repository.files), wanted)
  })

  it('is not met by one key twice', () => {
    const repository = begin()
    repository.files['timestamp.json'] = signAnything(fields(repository.files['timestamp.json']!), [KEYS.timestamp, KEYS.timestamp])
    assertFault(() => update(initialTrust(repository.root, NOW), repository.files), { code: 'MALFORMED', file: 'timestamp.json' })
  })

  it('is not met by one key under two ids', () => {
    const root = fields(begin().root) as { keys: Record<string, object>; roles: object }
    const alias = 'ab'.repeat(32)
    const keys = { ...root.keys, [alias]: root.keys[KEYS.timestamp.keyId] }
    const forged = signAnything(
      JSON.parse(
        JSON.stringify({ ...root, keys, roles: { ...root.roles, timestamp: { keyids: [KEYS.timestamp.keyId, alias], threshold: 2 } } }),
      ),
      [KEYS.root],
    )
    assertFault(() => initialTrust(forged, NOW), { code: 'MALFORMED', file: 'root.json' })
  })
})

describe('a signature', () => {
  const roles = { ...ROLES, timestamp: { keys: [KEYS.timestamp, KEYS.spare], threshold: 1 } }

  it('beyond the threshold must be as valid as the others', () => {
    const repository = new Repository()
    repository.files['root.json'] = newRoot({ roles, expiresAt: NEXT_YEAR, signers: [KEYS.root] })
    const refuse = (bytes: Uint8Array): void => {
      assertFault(() => update(initialTrust(repository.root, NOW), { ...repository.files, 'timestamp.json': bytes }), {
        code: 'FORGED',
        role: 'timestamp',
      })
    }
    const signed = fields(repository.files['timestamp.json']!)
    refuse(signAnything(signed, [KEYS.timestamp, KEYS.stranger]))
    refuse(signAnything(signed, [KEYS.timestamp, { ...KEYS.spare, sign: () => new Uint8Array(64) }]))
    refuse(signAnything(signed, [KEYS.timestamp, { ...KEYS.spare, sign: (bytes) => KEYS.stranger.sign(bytes) }]))
  })

  it('of one role does not count for another', () => {
    for (const [file, role] of [
      ['snapshot.json', 'snapshot'],
      ['targets.json', 'targets'],
      ['alpha.json', 'alpha'],
    ] as const) {
      const repository = new Repository()
      for (const signer of [KEYS.timestamp, KEYS.root, KEYS.beta, KEYS.stranger]) {
        const files = repository.unpinned({ [file]: signAnything(fields(repository.files[file]!), [signer]) })
        assertFault(() => update(initialTrust(repository.root, NOW), files), { code: 'FORGED', file, role, found: 0, wanted: 1 })
      }
    }
  })
})
