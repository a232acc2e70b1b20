/**
 * `bytes` bytes that any language can make again: Marsaglia's xorshift32 (13, 17, 5) from `seed` ≠ 0, each state after a step written as
 * 4 little-endian bytes. `bytes` is a multiple of 4.
 */
export function xorshift(seed: number, bytes: number): Uint8Array {
  const content = new DataView(new ArrayBuffer(bytes))
  let state = seed
  for (let at = 0; at < bytes; at += 4) {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    content.setUint32(at, state, true)
  }
  return new Uint8Array(content.buffer)
}
