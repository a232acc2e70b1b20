import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import * as fc from 'fast-check'
import { comparePaths, decodePath, decodeTarget, encodePath, encodeTarget } from '../../src/manifest/paths.ts'
import { assertFault } from './fixtures.ts'

describe('paths', () => {
  it('are any relative names, with whatever characters a file system takes', () => {
    for (const path of [
      'a',
      'a/b',
      '.a',
      '...',
      'a..',
      ' ',
      'a\\b',
      'a\nb',
      '\u{feff}',
      'a/.cairn',
      '.cairn2',
      'é',
      'e\u{301}',
      '\u{1f5ff}',
      'n'.repeat(255),
    ]) {
      assert.equal(decodePath(encodePath(path)), path)
    }
  })

  it('never leave the directory, nor enter its journal', () => {
    const bad = ['', '/', '/a', 'a/', 'a//b', '.', '..', './a', 'a/.', 'a/../b', 'a/..', 'a\0b', '.cairn', '.cairn/x', '.CAIRN', '.Cairn/x']
    for (const path of bad) {
      assertFault(() => encodePath(path), 'MALFORMED')
      assertFault(() => decodePath(Buffer.from(path)), 'MALFORMED')
    }
  })

  it('are bounded in names and in all', () => {
    assertFault(() => encodePath('n'.repeat(256)), 'MALFORMED', /255/)
    assertFault(() => encodePath('é'.repeat(128)), 'MALFORMED', /255/)
    assert.equal(encodePath('é'.repeat(127)).byteLength, 254)
    assertFault(() => encodePath('a/'.repeat(2047) + 'bc'), 'MALFORMED', /4095/)
    assert.equal(encodePath('a/'.repeat(2047) + 'b').byteLength, 4095)
  })

  it('are Unicode', () => {
    assertFault(() => encodePath('a\ud800'), 'MALFORMED', /not Unicode/)
    assertFault(() => decodePath(Uint8Array.of(0x61, 0xff)), 'MALFORMED', /not UTF-8/)
    assertFault(() => decodePath(Uint8Array.of(0xc0, 0xaf)), 'MALFORMED', /not UTF-8/)
  })

  it('are quoted in faults without control characters, and short', () => {
    assertFault(() => encodePath('\u001b[31m/..'), 'MALFORMED', /^malformed path "\\u001b\[31m\/\.\.": has the name \.\.$/)
    assertFault(() => encodePath(`${'a/'.repeat(9000)}..`), 'MALFORMED', /^.{0,250}$/)
  })

  it('order as their bytes', () => {
    const path = fc.string({
      unit: fc.constantFrom('a', '/', '-', 'é', '\u{d7ff}', '\u{e000}', '\u{ffff}', '\u{10000}', '\u{10ffff}'),
      maxLength: 6,
    })
    fc.assert(
      fc.property(path, path, (a, b) => assert.equal(Math.sign(comparePaths(a, b)), Buffer.compare(Buffer.from(a), Buffer.from(b)))),
    )
  })
})

describe('link targets', () => {
  it('are any text that a link can hold', () => {
    for (const target of ['/etc/passwd', '../../x', '.', ' ', 'a//b', '\u{feff}', 't'.repeat(4095)]) {
      assert.equal(decodeTarget(encodeTarget(target)), target)
    }
  })

  it('are neither empty nor too long, and hold no NUL', () => {
    for (const target of ['', 't'.repeat(4096), 'a\0b', '\udfff']) assertFault(() => encodeTarget(target), 'MALFORMED')
    assertFault(() => decodeTarget(Uint8Array.of(0xff)), 'MALFORMED')
  })
})
