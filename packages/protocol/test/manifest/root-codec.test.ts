import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { decode, encode } from '@ipld/dag-cbor'
import { CHUNKING } from '../../src/chunking.ts'
import { chunkCid, pageCid, sha256 } from '../../src/cid.ts'
import { CHECKPOINT_BYTES_MAX, decodeRoot, encodeRoot } from '../../src/manifest/index.ts'
import { type Built, assertFault, build, chunk, file } from './fixtures.ts'

const plain: Built = build([['bulk', file('a', [chunk(1), chunk(2)])]])

type Fields = Record<string, unknown>

/** What `decodeRoot` makes of the root of {@link plain} after `change`. */
function changed(change: (root: Fields) => void): () => unknown {
  const root = structuredClonePlain(decode<Fields>(plain.bytes))
  change(root)
  return () => decodeRoot(encode(root))
}

/** `value` with maps and lists copied, links and bytes as they are. */
function structuredClonePlain<T>(value: T): T {
  if (Array.isArray(value)) return value.map(structuredClonePlain) as T
  if (typeof value !== 'object' || value === null || Object.getPrototypeOf(value) !== Object.prototype) return value
  return Object.fromEntries(Object.entries(value).map(([key, field]) => [key, structuredClonePlain(field)])) as T
}

const at = (root: Fields, ...path: readonly (string | number)[]): Fields =>
  path.reduce<unknown>((value, key) => (value as Fields)[key], root) as Fields

describe('a manifest root', () => {
  it('keeps every field', () => {
    const { root } = build([['hot', file('a', [chunk(1)])]], {
      identity: { network: 'n', ledger: 'l-2', height: Number.MAX_SAFE_INTEGER },
      chunking: CHUNKING.edge,
      parent: plain.cid,
      provenance: { tool: 'cairn 0.1.0', sourceHeight: 7, stateRoot: Uint8Array.of(1, 2), checkpoint: Uint8Array.of(3) },
    })
    const decoded = decodeRoot(encodeRoot(root).bytes)
    assert.equal(decoded.parent?.toString(), plain.cid.toString())
    assert.equal(decoded.height, Number.MAX_SAFE_INTEGER)
    assert.deepEqual(decoded.provenance, root.provenance)
    assert.deepEqual(decoded.totals, root.totals)
    assert.deepEqual(
      decoded.sections.map(({ stage, pages }) => [stage, pages === undefined]),
      [
        ['bootstrap', true],
        ['hot', false],
        ['bulk', true],
      ],
    )
  })

  it('is small', () => {
    assert(plain.bytes.byteLength < 600, `${plain.bytes.byteLength} bytes`)
  })

  it('of another version is named as such', () => {
    assertFault(
      changed((root) => {
        root['version'] = 2
        root['future'] = 'field'
      }),
      'UNSUPPORTED_VERSION',
    )
  })
})

describe('a root decoder refuses', () => {
  const raw = chunkCid(sha256(Buffer.from('x')))
  const malformed: Readonly<Record<string, (root: Fields) => void>> = {
    'an unknown key': (root) => (root['extra'] = 1),
    'an unknown key further in': (root) => (at(root, 'totals')['extra'] = 1),
    'a missing key': (root) => delete root['height'],
    'a height below zero': (root) => (root['height'] = -1),
    'a height with a fraction': (root) => (root['height'] = 1.5),
    'a height beyond the safe range': (root) => (root['height'] = 2n ** 63n),
    'a version that is text': (root) => (root['version'] = '1'),
    'an empty name': (root) => (root['ledger'] = ''),
    'a name with a slash': (root) => (root['network'] = 'a/b'),
    'a name with a capital': (root) => (root['ledger'] = 'Main'),
    'a parent that is no page': (root) => (root['parent'] = raw),
    'a null parent': (root) => (root['parent'] = null),
    'an unknown profile': (root) => (at(root, 'chunking')['profile'] = 'huge'),
    'an unknown algorithm': (root) => (at(root, 'chunking')['algorithm'] = 'rabin'),
    'bounds that are not the profile’s': (root) => (at(root, 'chunking')['bytesMax'] = 1),
    'an unknown codec': (root) => (at(root, 'compression')['codec'] = 'gzip'),
    'a missing section': (root) => (root['sections'] as unknown[]).pop(),
    'sections out of order': (root) => (root['sections'] as unknown[]).reverse(),
    'pages without entries': (root) => (at(root, 'sections', 0)['pages'] = at(root, 'sections', 2)['pages']),
    'entries without pages': (root) => delete at(root, 'sections', 2)['pages'],
    'a chunk root that is short': (root) => (root['chunkRoot'] = new Uint8Array(31)),
    'an empty tool': (root) => (at(root, 'provenance')['tool'] = ''),
    'an empty state root': (root) => (at(root, 'provenance')['stateRoot'] = new Uint8Array()),
    'more distinct chunks than chunks': (root) => (at(root, 'totals')['chunks'] = 3),
    'more distinct bytes than bytes': (root) => (at(root, 'totals')['distinctBytes'] = 2 ** 40),
  }
  for (const [name, change] of Object.entries(malformed)) it(name, () => assertFault(changed(change), 'MALFORMED'))

  const tooLarge: Readonly<Record<string, (root: Fields) => void>> = {
    'a long name': (root) => (root['ledger'] = 'a'.repeat(65)),
    'a long tool': (root) => (at(root, 'provenance')['tool'] = 'a'.repeat(129)),
    'a long checkpoint': (root) => (at(root, 'provenance')['checkpoint'] = new Uint8Array(CHECKPOINT_BYTES_MAX + 1)),
    'a chunk root that is long': (root) => (root['chunkRoot'] = new Uint8Array(33)),
    'entries beyond the limit': (root) => (at(root, 'sections', 2)['entries'] = 2 ** 30),
    'chunks beyond the limit': (root) => (at(root, 'totals')['chunks'] = 2 ** 30),
    'a level that zstd lacks': (root) => (at(root, 'compression')['level'] = 23),
  }
  for (const [name, change] of Object.entries(tooLarge)) it(name, () => assertFault(changed(change), 'TOO_LARGE'))

  const mismatched: Readonly<Record<string, (root: Fields) => void>> = {
    'entries that do not add up': (root) => (at(root, 'totals')['files'] = 2),
    'chunks that do not add up': (root) => (at(root, 'totals')['chunkRefs'] = 3),
    'bytes that do not add up': (root) => (at(root, 'totals')['bytes'] = 2 ** 40),
  }
  for (const [name, change] of Object.entries(mismatched)) it(name, () => assertFault(changed(change), 'MISMATCH'))

  it('keys out of order', () => {
    const fields = Object.entries(decode<Fields>(plain.bytes))
    const reversed = fields.toReversed().flatMap(([key, value]) => [encode(key), encode(value)])
    assertFault(() => decodeRoot(Buffer.concat([Uint8Array.of(0xa0 | fields.length), ...reversed])), 'MALFORMED', /canonical/)
  })

  it('a key twice', () => {
    const fields = Object.entries(decode<Fields>(plain.bytes))
    const twice = [...fields, fields[0]!].flatMap(([key, value]) => [encode(key), encode(value)])
    assertFault(() => decodeRoot(Buffer.concat([Uint8Array.of(0xa1 + fields.length), ...twice])), 'MALFORMED')
  })

  it('a page', () => {
    for (const page of plain.pages.values()) assertFault(() => decodeRoot(page), 'MALFORMED')
  })
})

describe('a root encoder', () => {
  it('refuses what a decoder would', () => {
    assertFault(() => encodeRoot({ ...plain.root, height: -1 }), 'MALFORMED')
    assertFault(() => encodeRoot({ ...plain.root, parent: raw() }), 'MALFORMED')
    assertFault(() => encodeRoot({ ...plain.root, sections: [] }), 'MALFORMED')
  })

  it('names the root by its bytes', () => {
    assert.equal(encodeRoot(plain.root).cid.toString(), pageCid(plain.bytes).toString())
  })

  const raw = (): ReturnType<typeof chunkCid> => chunkCid(sha256(Buffer.from('x')))
})
