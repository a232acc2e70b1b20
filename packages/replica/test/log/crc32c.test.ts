import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import * as fc from 'fast-check'
import { crc32c } from '../../src/log/crc32c.ts'

describe('crc32c', () => {
  // RFC 3720 appendix B.4, whose bytes stand in the order in which they are sent: the lowest first.
  const cases: readonly (readonly [name: string, bytes: Uint8Array, crc: number])[] = [
    ['nothing', new Uint8Array(0), 0],
    ['32 zeros', new Uint8Array(32), 0x8a9136aa],
    ['32 ones', new Uint8Array(32).fill(0xff), 0x62a8ab43],
    ['ascending', Uint8Array.from({ length: 32 }, (_, index) => index), 0x46dd794e],
    ['descending', Uint8Array.from({ length: 32 }, (_, index) => 31 - index), 0x113fdb5c],
    [
      'an iSCSI read command',
      Buffer.from('01c000000000000000000000000000001400000000000400000000140000001828000000000000000200000000000000', 'hex'),
      0xd9963a56,
    ],
    ['123456789', Buffer.from('123456789'), 0xe3069283],
  ]
  for (const [name, bytes, crc] of cases) it(name, () => assert.equal(crc32c(bytes), crc))

  it('is that of the parts in a row, and of the definition bit by bit', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 70 }), fc.uint8Array({ maxLength: 70 }), (a, b) => {
        const whole = crc32c(Buffer.concat([a, b]))
        assert.equal(crc32c(b, crc32c(a)), whole)
        assert.equal(bitByBit(Buffer.concat([a, b])), whole)
      }),
    )
  })
})

function bitByBit(bytes: Uint8Array): number {
  let crc = 0xffffffff
  for (const byte of bytes) {
    crc ^= byte
    for (let bit = 0; bit < 8; bit++) crc = (crc & 1) === 0 ? crc >>> 1 : (crc >>> 1) ^ 0x82f63b78
  }
  return ~crc >>> 0
}
