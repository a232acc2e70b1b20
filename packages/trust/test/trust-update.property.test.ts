import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import * as fc from 'fast-check'
import type { Json, JsonObject } from '../src/canonical-json.ts'
import { decodeTrustState, encodeTrustState, initialTrust, TrustError } from '../src/index.ts'
import { fields, type Files, KEYS, NOW, only, Repository, ROLES, signAnything, update } from './repository.ts'

const SIGNERS = { 'timestamp.json': KEYS.timestamp, 'snapshot.json': KEYS.snapshot, 'targets.json': KEYS.targets, 'alpha.json': KEYS.alpha }
const signedFile = fc.constantFrom(...(Object.keys(SIGNERS) as (keyof typeof SIGNERS)[]))

/** A repository whose root was replaced once, so that every kind of file is fetched, and its first root. */
function begin(): { repository: Repository; first: Uint8Array } {
  const repository = new Repository()
  const first = repository.root
  repository.rotate({ ...ROLES, root: only(KEYS.spare) }, [KEYS.root, KEYS.spare])
  return { repository, first }
}

describe('whoever relays metadata', () => {
  const { repository, first } = begin()
  const sources: Record<string, Files> = { listed: repository.files, unpinned: repository.unpinned() }
  const source = fc.constantFrom(...Object.keys(sources))
  const file = fc.oneof(signedFile, fc.constant('2.root.json'))

  function assertRefused(files: Files): void {
    assert.throws(() => update(initialTrust(first, NOW), files), TrustError)
  }

  it('cannot flip a bit of any file', () => {
    fc.assert(
      fc.property(source, file, fc.nat(), fc.integer({ min: 1, max: 255 }), (name, file, at, mask) => {
        const bytes = Buffer.from(sources[name]![file]!)
        bytes[at % bytes.byteLength]! ^= mask
        assertRefused({ ...sources[name], [file]: bytes })
      }),
      { numRuns: 1500 },
    )
  })

  it('cannot cut or extend any file', () => {
    fc.assert(
      fc.property(source, file, fc.nat(), fc.uint8Array({ maxLength: 3 }), (name, file, at, tail) => {
        const bytes = Buffer.from(sources[name]![file]!)
        assertRefused({ ...sources[name], [file]: bytes.subarray(0, at % bytes.byteLength) })
        if (tail.byteLength > 0) assertRefused({ ...sources[name], [file]: Buffer.concat([bytes, tail]) })
      }),
      { numRuns: 300 },
    )
  })

  it('cannot put one file in another’s place', () => {
    fc.assert(
      fc.property(source, file, fc.constantFrom(...Object.keys(repository.files)), (name, file, other) => {
        const [right, wrong] = [sources[name]![file]!, sources[name]![other]!]
        if (Buffer.compare(right, wrong) !== 0) assertRefused({ ...sources[name], [file]: wrong })
      }),
    )
  })

  it('cannot flip a bit of the root that is handed over', () => {
    fc.assert(
      fc.property(fc.nat(), fc.integer({ min: 1, max: 255 }), (at, mask) => {
        const bytes = Buffer.from(first)
        bytes[at % bytes.byteLength]! ^= mask
        assert.throws(() => initialTrust(bytes, NOW), TrustError)
      }),
      { numRuns: 300 },
    )
  })

  it('nor can a disk flip a bit of the stored state', () => {
    const stored = encodeTrustState(update(initialTrust(first, NOW), repository.files, { ledgers: 'all' }))
    fc.assert(
      fc.property(fc.nat(), fc.integer({ min: 1, max: 255 }), (at, mask) => {
        const bytes = Buffer.from(stored)
        bytes[at % bytes.byteLength]! ^= mask
        assert.throws(() => decodeTrustState(bytes), TrustError)
      }),
      { numRuns: 300 },
    )
  })
})

describe('whoever signs metadata', () => {
  const { repository, first } = begin()
  const value: fc.Arbitrary<Json> = fc.oneof(
    fc.constantFrom<Json>(
      null,
      true,
      0,
      1,
      -1,
      2,
      Number.MAX_SAFE_INTEGER,
      '',
      'x',
      '1.0.31',
      '2030-01-01T00:00:00Z',
      'constructor',
      [],
      {},
    ),
    fc.constantFrom<Json>({ toString: 1 }, { hasOwnProperty: 1 }, ['constructor'], { constructor: { version: 1 } }, [[]], { '0': {} }),
  )

  it('can only be refused or understood', () => {
    fc.assert(
      fc.property(signedFile, fc.infiniteStream(fc.nat()), value, fc.boolean(), (file, path, value, isRenamed) => {
        const signed = fields(repository.files[file]!)
        mutate(signed, path, value, isRenamed)
        const files = repository.unpinned({ [file]: signAnything(signed, [SIGNERS[file]]) })
        try {
          update(initialTrust(first, NOW), files, { ledgers: 'all' })
          update(initialTrust(first, NOW), files)
        } catch (error) {
          assert.ok(error instanceof TrustError, String(error))
        }
      }),
      { numRuns: 1500 },
    )
  })
})

/** Sets one field or item, chosen by `path`, to `value`; or renames it to a string of `value`. */
function mutate(target: JsonObject, path: Iterator<number>, value: Json, isRenamed: boolean): void {
  const step = (count: number): number => (path.next().value as number) % count
  let object = target as Record<string, Json>
  for (;;) {
    const keys = Object.keys(object)
    if (keys.length === 0) return
    const key = keys[step(keys.length)]!
    const child = object[key]
    if (typeof child === 'object' && child !== null && step(4) > 0) {
      object = child as Record<string, Json>
      continue
    }
    if (isRenamed && !Array.isArray(object)) {
      delete object[key]
      object[typeof value === 'string' ? value : 'renamed'] = child!
    } else object[key] = value
    return
  }
}
