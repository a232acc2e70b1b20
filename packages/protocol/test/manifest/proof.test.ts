import { describe, it } from 'node:test'
import { proveChunk, verifyChunkProof } from '../../src/manifest/index.ts'
import { assertFault, build, chunk, file, load } from './fixtures.ts'

describe('a chunk proof', () => {
  const index = load(
    build([
      [
        'bulk',
        file(
          'a',
          Array.from({ length: 21 }, (_, i) => chunk(i % 13)),
        ),
      ],
    ]),
  )

  it('convinces a holder of the root, for every chunk', () => {
    for (let i = 0; i < index.chunksCount; i++) verifyChunkProof(index.root, proveChunk(index, i))
  })

  it('convinces of nothing else', () => {
    const proof = proveChunk(index, 5)
    assertFault(() => verifyChunkProof(index.root, { ...proof, digest: chunk('x').digest }), 'MISMATCH')
    assertFault(() => verifyChunkProof(index.root, { ...proof, chunk: 4 }), 'MISMATCH')
    assertFault(() => verifyChunkProof(index.root, { ...proof, chunk: 13 }), 'MALFORMED')
    assertFault(() => verifyChunkProof(index.root, { ...proof, proof: proof.proof.slice(1) }), 'MALFORMED')
    assertFault(() => verifyChunkProof(build([['bulk', file('a', [chunk(5)])]]).root, proof), 'MALFORMED')
  })
})
