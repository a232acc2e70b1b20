import assert from 'node:assert/strict'
import { chmod, mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { NetworkError } from '../src/errors.ts'
import { loadOrCreatePeerKey } from '../src/identity.ts'
import { peerIdOf } from '../src/libp2p/keys.ts'

describe('loadOrCreatePeerKey', () => {
  let folder = ''
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'cairn-identity-'))
  })
  after(() => rm(folder, { recursive: true }))

  test('makes a key that only its owner can read, and finds it again', async () => {
    const path = join(folder, 'new', 'peer.key')
    const made = await loadOrCreatePeerKey(path)
    assert.match(made.peer, /^12D3Koo/)
    assert.equal((await stat(path)).mode & 0o777, 0o600)
    const found = await loadOrCreatePeerKey(path)
    assert.equal(found.peer, made.peer)
    assert.ok(Buffer.from(found.privateKey).equals(made.privateKey))
    assert.deepEqual(await readdir(join(folder, 'new')), ['peer.key'])
  })

  test('two at once end with the same key', async () => {
    const path = join(folder, 'race.key')
    const identities = await Promise.all(Array.from({ length: 8 }, () => loadOrCreatePeerKey(path)))
    assert.equal(new Set(identities.map(({ peer }) => peer)).size, 1)
  })

  test('a file with something else in it is refused and kept', async () => {
    const path = join(folder, 'other.key')
    await writeFile(path, 'not a key')
    await assert.rejects(loadOrCreatePeerKey(path), (error) => error instanceof NetworkError && error.fault.code === 'BAD_KEY')
    assert.equal((await stat(path)).size, 9)
  })

  test('a folder that cannot be written fails with the system’s error', { skip: process.getuid?.() === 0 }, async () => {
    const locked = await mkdtemp(join(folder, 'locked-'))
    await chmod(locked, 0o500)
    await assert.rejects(loadOrCreatePeerKey(join(locked, 'peer.key')), { code: 'EACCES' })
  })

  test('a seed always gives the same peer', async () => {
    assert.equal(await peerIdOf(new Uint8Array(32).fill(7)), '12D3KooWRawPbxPtP1eZaJpumGnyWX2DcUyd3RQnydr3eAto4Az7')
  })
})
