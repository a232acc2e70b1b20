import * as fc from 'fast-check'
import { type Entry, type PlannedEntry, STAGES, planSections } from '../../src/manifest/index.ts'
import { type Staged, chunk, chunking, directory, file, symlink } from './fixtures.ts'

/** Names on both sides of `/` in order, and of the UTF-16 surrogates, where string order and byte order part. */
const name = fc.constantFrom('a', 'b', 'a-', 'a.b', 'A', 'é', '\u{ffff}', '\u{10000}', '\u{feff}x', '0001.ldb')
const path = fc.array(name, { minLength: 1, maxLength: 4 }).map((names) => names.join('/'))
const stage = fc.constantFrom(...STAGES)

/** Chunks whose length follows from their seed, as it must; the last may be short. */
const chunkList = fc
  .record({ first: fc.nat(50), count: fc.oneof(fc.nat(5), fc.nat(1500)), step: fc.constantFrom(0, 1), tail: fc.nat(chunking.bytesMin - 1) })
  .map(({ first, count, step, tail }) => [
    ...Array.from({ length: count }, (_, i) => chunk(first + i * step, chunking.bytesMin + first + i * step)),
    ...(tail === 0 ? [] : [chunk(`tail ${tail}`, tail)]),
  ])

const entry: fc.Arbitrary<Entry> = fc.oneof(
  { weight: 3, arbitrary: fc.tuple(path, chunkList).map(([path, chunks]) => file(path, chunks)) },
  fc.tuple(path, fc.integer({ min: 0, max: 0o7777 })).map(([path, mode]) => ({ ...directory(path), mode })),
  fc.tuple(path, path).map(([path, target]) => symlink(path, `../${target}`)),
)

/** Entries in the order of a manifest: a tree with every directory it needs, nothing listed twice. */
export const snapshot: fc.Arbitrary<readonly Staged[]> = fc.array(fc.tuple(entry, stage), { maxLength: 60 }).map((candidates) => {
  const tree = new Map<string, PlannedEntry & { readonly entry: Entry }>()
  for (const [entry, stage] of candidates) {
    const parents = parentsOf(entry.path)
    if (tree.has(entry.path) || parents.some((parent) => (tree.get(parent)?.type ?? 'directory') !== 'directory')) continue
    for (const parent of parents) tree.set(parent, { type: 'directory', path: parent, entry: tree.get(parent)?.entry ?? directory(parent) })
    tree.set(entry.path, { type: entry.type, path: entry.path, entry, ...(entry.type === 'file' && { stage }) })
  }
  const sections = planSections([...tree.values()])
  return STAGES.flatMap((stage) => sections[stage].map(({ entry }): Staged => [stage, entry]))
})

function parentsOf(path: string): readonly string[] {
  const names = path.split('/')
  return names.slice(1).map((_, i) => names.slice(0, i + 1).join('/'))
}
