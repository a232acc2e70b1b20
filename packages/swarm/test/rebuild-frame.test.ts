import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { CHUNK_BYTES_MAX, encodeDelta, encodeFrame, sha256 } from '@cairn/protocol'
import { rebuildFrame } from '../src/rebuild-frame.ts'

const KIB = 1024
const plainOf = (seed: number, bytes = 64 * KIB): Uint8Array =>
  new Uint8Array(bytes).map((_, at) => (at * at * 31 + at * seed * 7 + (at >> 8) * seed) & 0xff)

describe('rebuildFrame', () => {
  it('gives the frame of a chunk that was made from pieces of several', () => {
    const bases = [1, 2].map((seed) => plainOf(seed))
    const plain = Buffer.concat([bases[1]!.subarray(0, 20 * KIB), plainOf(9, 100), bases[0]!.subarray(30 * KIB)])
    const pieces = [
      { base: 1, offset: 0, bytes: 20 * KIB },
      { base: 0, offset: 30 * KIB, bytes: 34 * KIB },
    ]
    const delta = encodeDelta(
      plain,
      bases.map((base) => ({ digest: sha256(base), plain: base })),
      pieces,
    )
    const job = { delta, bases: bases.map((base) => encodeFrame(base)), digest: sha256(plain), plainBytes: plain.byteLength }
    assert.deepEqual(rebuildFrame(job), encodeFrame(plain))
    assert.throws(() => rebuildFrame({ ...job, digest: sha256(bases[0]!) }), { name: 'ProtocolError', message: /chunk/ })
  })

  it('refuses bases that are too much by their headers, before it inflates one', () => {
    const count = 9
    const bases = Array.from({ length: count }, (_, seed) => plainOf(seed, 1 * KIB))
    const delta = encodeDelta(
      plainOf(99),
      bases.map((base) => ({ digest: sha256(base), plain: base })),
      bases.map((_, base) => ({ base, offset: 0, bytes: 1 })),
    )
    // Each promises four MiB, and none of them can be inflated.
    const frame = encodeFrame(new Uint8Array(CHUNK_BYTES_MAX))
    const damaged = frame.with(frame.byteLength - 1, frame.at(-1)! ^ 0xff)
    assert.throws(() => rebuildFrame({ delta, bases: bases.map(() => damaged), digest: sha256(plainOf(99)), plainBytes: 64 * KIB }), {
      name: 'ProtocolError',
      message: /size of the bases/,
    })
  })
})
