import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { encodeDelta, sha256 } from '@cairn/protocol'
import { decodeFromBases } from '../../src/place/base-reader.ts'
import type { BaseChunk } from '../../src/place/placer.ts'
import { sampleBytes } from '../../src/testing/index.ts'

describe('decodeFromBases', () => {
  it('reads nothing for a delta that is refused by what it says of itself', () => {
    const old = sampleBytes(1, 4096)
    const plain = sampleBytes(2, 4096)
    const delta = encodeDelta(plain, [{ digest: sha256(old), plain: old }], [{ base: 0, offset: 4000, bytes: 96 }])
    let looks = 0
    const base = (plainBytes: number): BaseChunk => ({
      digest: sha256(old),
      plainBytes,
      get from() {
        looks += 1
        return []
      },
    })
    for (const [plainBytes, bytesMax] of [
      [4095, 8192],
      [4096, 100],
    ] as const) {
      const bases = { chunk: 0, path: 'state', bases: [base(plainBytes)] }
      assert.throws(() => decodeFromBases(delta, bases, bytesMax, sha256(plain)), { name: 'ProtocolError' })
    }
    assert.equal(looks, 0)
  })
})
