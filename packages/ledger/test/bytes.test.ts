import assert from 'node:assert/strict'
import { it } from 'node:test'
import { ByteReader, ByteWriter } from '../src/bytes.ts'

it('numbers are written whole wherever the memory for them has to grow', () => {
  for (let before = 0; before < 80; before++) {
    for (const expected of [0, 1, 64]) {
      const bytes = new ByteWriter(expected)
      for (let count = 0; count < before; count++) bytes.u8(count)
      bytes
        .u8(0xab)
        .u16(0xabcd)
        .u32(0xabcdef01)
        .u64(2 ** 40 + 7)
      const reader = new ByteReader(bytes.finish(), 'bytes')
      for (let count = 0; count < before; count++) assert.equal(reader.u8(), count)
      assert.deepEqual([reader.u8(), reader.u16(), reader.u32(), reader.u64()], [0xab, 0xabcd, 0xabcdef01, 2 ** 40 + 7])
      reader.end()
    }
  }
})
