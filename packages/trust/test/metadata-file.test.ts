import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { decodeTrustState, encodeTrustState, initialTrust, isFoundedOn, metadataFile, type TrustState } from '../src/index.ts'
import { KEYS, NOW, only, Repository, ROLES, update } from './repository.ts'

describe('whoever has followed a repository', () => {
  const repository = new Repository()
  const first = repository.root
  repository.rotate({ ...ROLES, root: only(KEYS.spare) }, [KEYS.root, KEYS.spare])
  repository.rotate({ ...ROLES, root: only(KEYS.spare) }, [KEYS.spare])
  const state = update(initialTrust(first, NOW), repository.files, { ledgers: 'all' })

  /** Every file as `state` answers for it. */
  const serve = (state: TrustState): Record<string, Uint8Array> =>
    Object.fromEntries(
      Object.keys(repository.files).flatMap((file) => (metadataFile(state, file) ? [[file, metadataFile(state, file)!]] : [])),
    )

  it('serves it to the next one, from the first root on, after a restart too', () => {
    const restarted = decodeTrustState(encodeTrustState(state))
    assert.deepEqual(Object.keys(serve(restarted)).sort(), Object.keys(repository.files).sort())
    const next = update(initialTrust(first, NOW), serve(restarted), { ledgers: 'all' })
    assert.deepEqual(encodeTrustState(next), encodeTrustState(state))
  })

  it('answers for nothing else', () => {
    for (const file of ['4.root.json', '0.root.json', '01.root.json', 'constructor.json', 'gamma.json', '', '../root.json', 'root']) {
      assert.equal(metadataFile(state, file), undefined)
    }
    assert.equal(metadataFile(initialTrust(first, NOW), 'timestamp.json'), undefined)
  })

  it('knows the roots that it came past', () => {
    for (const file of ['1.root.json', '2.root.json', '3.root.json']) assert.ok(isFoundedOn(state, repository.files[file]!))
    assert.ok(!isFoundedOn(state, new Repository().files['timestamp.json']!))
    assert.ok(!isFoundedOn(initialTrust(first, NOW), repository.root))
  })
})
