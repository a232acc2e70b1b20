// Writes trust.json beside this file.
// Run it by hand, and only to approve a new format: `node test/vectors/generate-trust.ts`. Tests read what is there.
import { writeFileSync } from 'node:fs'
import { encodeTrustState } from '@cairn/trust'
import { KEYS, NOW } from '../../packages/trust/test/repository.ts'
import { refusedFiles, type TrustVectors, vectorRepository, vectorUpdate } from '../../packages/trust/test/vector-repository.ts'

/** The byte that each key's 32-byte Ed25519 seed repeats. */
const SEEDS: Record<keyof typeof KEYS, number> = { root: 1, targets: 2, snapshot: 3, timestamp: 4, alpha: 5, beta: 6, spare: 7, stranger: 99 }

const repository = vectorRepository()
const vectors: TrustVectors = {
  now: new Date(NOW).toISOString(),
  keys: Object.fromEntries(
    Object.entries(KEYS).map(([name, { keyId, publicKey }]) => {
      const seed = Buffer.alloc(32, SEEDS[name as keyof typeof KEYS]).toString('hex')
      return [name, { seed, keyId, publicKey }]
    }),
  ),
  files: Object.fromEntries(Object.entries(repository.files).map(([file, bytes]) => [file, Buffer.from(bytes).toString()])),
  trustState: Buffer.from(encodeTrustState(vectorUpdate(repository.files))).toString(),
  refused: refusedFiles(repository),
}
writeFileSync(new URL('trust.json', import.meta.url), `${JSON.stringify(vectors, undefined, 2)}\n`)
