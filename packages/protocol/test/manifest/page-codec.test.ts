import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { encode } from '@ipld/dag-cbor'
import * as fc from 'fast-check'
import { chunkCid, pageCid, sha256 } from '../../src/cid.ts'
import { ProtocolError } from '../../src/errors.ts'
import { PAGE_BYTES_MAX } from '../../src/limits.ts'
import { decodePage, decodeRoot, encodePage, encodeRoot } from '../../src/manifest/index.ts'
import { assertFault, build, chunk, directory, file, symlink } from './fixtures.ts'

const utf8 = (text: string): Uint8Array => new Uint8Array(Buffer.from(text))
const link = pageCid(utf8('page'))
const item = Buffer.concat([chunk(1).digest, Uint8Array.of(0, 0, 0x40, 0)])

/** What `decodePage` makes of the canonical encoding of `value`. */
const decoding = (value: unknown) => (): unknown => decodePage(encode(value))
const leaf = (...records: readonly unknown[]): (() => unknown) => decoding([0, records])
const index = (...children: readonly unknown[]): (() => unknown) => decoding([1, children])

describe('a page decoder accepts', () => {
  it('each kind of record', () => {
    const page = leaf(
      [3, item],
      [0, utf8('d'), 0o7777],
      [1, utf8('l'), utf8('/x')],
      [2, utf8('f'), 0, 16_384, item],
      [2, utf8('g'), 0, 0, utf8('')],
    )
    assert.deepEqual(
      (page() as { records: readonly { type: string }[] }).records.map(({ type }) => type),
      ['continuation', 'directory', 'symlink', 'file', 'file'],
    )
    index([link, 1, 0, 0], [link, 0, 1, 1])()
  })
})

describe('a page decoder refuses', () => {
  const malformed: Readonly<Record<string, () => unknown>> = {
    'no page at all': decoding({}),
    'a third item': decoding([0, [[0, utf8('d'), 0]], 0]),
    'an empty leaf': leaf(),
    'an empty index': index(),
    'a level below zero': decoding([-1, [[0, utf8('d'), 0]]]),
    'a level with a fraction': decoding([0.5, [[0, utf8('d'), 0]]]),
    'an unknown kind': leaf([4, utf8('d'), 0]),
    'a record that is no list': leaf({ 0: 0 }),
    'a record that is too long': leaf([0, utf8('d'), 0, 0]),
    'a path as text': leaf([0, 'd', 0]),
    'a path that is not UTF-8': leaf([0, Uint8Array.of(0xff), 0]),
    'a path with a lone surrogate': leaf([0, Uint8Array.of(0xed, 0xa0, 0x80), 0]),
    'an absolute path': leaf([0, utf8('/a'), 0]),
    'a path that climbs': leaf([0, utf8('a/../b'), 0]),
    'a mode beyond an integer': leaf([0, utf8('d'), 2n ** 60n]),
    'an empty target': leaf([1, utf8('l'), utf8('')]),
    'a target with NUL': leaf([1, utf8('l'), utf8('a\0b')]),
    'chunks of an empty file': leaf([2, utf8('f'), 0, 0, item]),
    'a file without chunks': leaf([2, utf8('f'), 0, 1, utf8('')]),
    'a run that ends within an item': leaf([2, utf8('f'), 0, 1, item.subarray(1)]),
    'a chunk of no bytes': leaf([3, new Uint8Array(36)]),
    'a chunk above every profile': leaf([3, Buffer.concat([chunk(1).digest, Uint8Array.of(0, 0x40, 0, 1)])]),
    'an empty continuation': leaf([3, utf8('')]),
    'a continuation that is not first': leaf([0, utf8('d'), 0], [3, item]),
    'a child without anything': index([link, 0, 0, 0]),
    'a child that is a chunk': index([chunkCid(sha256(utf8('x'))), 1, 0, 0]),
    'a child that is text': index([link.toString(), 1, 0, 0]),
    'a child that only looks like a link': index([
      new Map([
        ['/', 'x'],
        ['bytes', 'x'],
      ]),
      1,
      0,
      0,
    ]),
    'a negative count': index([link, -1, 0, 0]),
  }
  for (const [name, decode] of Object.entries(malformed)) it(name, () => assertFault(decode, 'MALFORMED'))

  const tooLarge: Readonly<Record<string, () => unknown>> = {
    'more than a page': () => decodePage(new Uint8Array(PAGE_BYTES_MAX + 1)),
    'a tree too deep': decoding([9, [[link, 1, 0, 0]]]),
    'a mode above the permission bits': leaf([0, utf8('d'), 0o10000]),
    'a path too long': leaf([0, utf8('a'.repeat(4096)), 0]),
    'entries beyond the limit': index([link, 2 ** 30, 0, 0]),
    'chunks beyond the limit': index([link, 0, 2 ** 30, 0]),
  }
  for (const [name, decode] of Object.entries(tooLarge)) it(name, () => assertFault(decode, 'TOO_LARGE'))

  it('every second spelling of a page', () => {
    const canonical = encode([0, [[0, utf8('d'), 0]]])
    assert.equal(Buffer.from(canonical).toString('hex'), '8200818300416400')
    const spellings: Readonly<Record<string, string>> = {
      'a long integer': '821800818300416400',
      'a float': '82f90000818300416400',
      'a double': '82fb0000000000000000818300416400',
      'a long length': '820098018300416400',
      'an indefinite list': '82009f8300416400ff',
      'an indefinite byte string': '82008183005f4164ff00',
      'trailing bytes': '820081830041640000',
      nothing: '',
    }
    for (const hex of Object.values(spellings)) assertFault(() => decodePage(Buffer.from(hex, 'hex')), 'MALFORMED')
  })

  it('nesting without end', () => {
    assertFault(() => decodePage(new Uint8Array(PAGE_BYTES_MAX).fill(0x81)), 'MALFORMED')
    assertFault(() => decodePage(new Uint8Array(PAGE_BYTES_MAX).fill(0xd8)), 'MALFORMED')
  })
})

describe('damaged blocks', () => {
  const built = build([
    ['bootstrap', directory('a')],
    ['bootstrap', file('a/b', [chunk(1), chunk(2), chunk(3, 5)])],
    ['bulk', file('empty')],
    ['bulk', symlink('link', 'a/b')],
  ])
  const blocks: readonly [Uint8Array, (bytes: Uint8Array) => Uint8Array][] = [
    [built.bytes, (bytes) => encodeRoot(decodeRoot(bytes)).bytes],
    ...[...built.pages.values()].map((page): [Uint8Array, (bytes: Uint8Array) => Uint8Array] => [
      page,
      (bytes) => encodePage(decodePage(bytes)),
    ]),
  ]

  it('are refused when cut short anywhere', () => {
    for (const [block, decode] of blocks) {
      for (let end = 0; end < block.byteLength; end++) assert.throws(() => decode(block.subarray(0, end)), ProtocolError)
    }
  })

  it('are refused or read as what they now say, whatever bytes change', () => {
    const change = fc.tuple(fc.nat(), fc.integer({ min: 1, max: 255 }))
    fc.assert(
      fc.property(fc.constantFrom(...blocks), fc.array(change, { minLength: 1, maxLength: 4 }), ([block, decode], changes) => {
        const damaged = Uint8Array.from(block)
        for (const [at, mask] of changes) damaged[at % damaged.length]! ^= mask
        let again: Uint8Array
        try {
          again = decode(damaged)
        } catch (error) {
          assert(error instanceof ProtocolError, String(error))
          return
        }
        assert.deepEqual(Buffer.from(again), Buffer.from(damaged))
      }),
      { numRuns: 3000 },
    )
  })

  it('are refused when they are noise', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (noise) => {
        assert.throws(() => decodePage(noise), ProtocolError)
        assert.throws(() => decodeRoot(noise), ProtocolError)
      }),
    )
  })
})
