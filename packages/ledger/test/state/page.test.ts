import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { LedgerError } from '../../src/errors.ts'
import { decodePage, EMPTY_PAGE, encodePage, type Entry, type Page, type PageRef } from '../../src/state/page.ts'

const bytes = (text: string): Uint8Array => new Uint8Array(Buffer.from(text))
const entry = (key: string, value: string): Entry => ({ key: bytes(key), value: bytes(value) })
const ref = (key: string): PageRef => ({
  key: bytes(key),
  hash: new Uint8Array(32).fill(7),
  kind: 'leaf',
  entries: 3,
  bytes: 5000,
  weight: 4000,
})

const pages: Readonly<Record<string, Page>> = {
  empty: EMPTY_PAGE,
  leaf: { kind: 'leaf', items: [entry('', ''), entry('a', 'one'), entry('ab', 'two')] },
  'leaf of one large entry': { kind: 'leaf', items: [entry('a', 'x'.repeat(32 * 1024))] },
  index: { kind: 'index', items: [ref('a'), { ...ref('b'), kind: 'index', entries: 2 ** 40, bytes: 2 ** 47 }] },
}

function refuses(bytes: Uint8Array, code: string): void {
  assert.throws(
    () => decodePage(bytes),
    (error) => error instanceof LedgerError && error.fault.code === code,
  )
}

describe('pages of the state', () => {
  for (const [name, page] of Object.entries(pages)) {
    it(`come back as they were: ${name}`, () => {
      const encoded = encodePage(page)
      assert.deepEqual(encodePage(decodePage(encoded)), encoded)
      assert.equal(decodePage(encoded).items.length, page.items.length)
    })

    it(`are refused when cut off or longer: ${name}`, () => {
      const encoded = encodePage(page)
      for (let end = 0; end < encoded.byteLength; end += Math.ceil(encoded.byteLength / 500)) refuses(encoded.subarray(0, end), 'MALFORMED')
      refuses(Buffer.concat([encoded, Uint8Array.of(0)]), 'MALFORMED')
    })
  }

  it('are refused in any other form than their one', () => {
    refuses(encodePage({ kind: 'leaf', items: [entry('b', ''), entry('a', '')] }), 'MALFORMED')
    refuses(encodePage({ kind: 'leaf', items: [entry('a', ''), entry('a', '')] }), 'MALFORMED')
    refuses(encodePage({ kind: 'leaf', items: [entry('a', 'x'.repeat(2048)), entry('b', 'x'.repeat(2048))] }), 'MALFORMED')
    refuses(encodePage({ kind: 'leaf', items: [entry('k'.repeat(257), '')] }), 'MALFORMED')
    refuses(encodePage({ kind: 'leaf', items: [entry('k', 'x'.repeat(32 * 1024 + 1))] }), 'MALFORMED')
    refuses(encodePage({ kind: 'leaf', items: [entry('k', 'x'.repeat(40 * 1024))] }), 'TOO_LARGE')
    refuses(encodePage({ kind: 'index', items: [] }), 'MALFORMED')
    refuses(encodePage({ kind: 'index', items: [ref('a')] }), 'MALFORMED')
    const other = encodePage(EMPTY_PAGE)
    other[7] = 2
    refuses(other, 'MALFORMED')
    const kind = encodePage(EMPTY_PAGE)
    kind[8] = 2
    refuses(kind, 'MALFORMED')
  })
})
