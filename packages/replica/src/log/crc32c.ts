/** Castagnoli's polynomial, bits reversed. @see RFC 3720 appendix B.4 for test values */
const POLYNOMIAL = 0x82f63b78

/** How far a byte's remainder is carried: table k is for a byte that k more bytes follow. */
const SLICES = 8
const TABLES = makeTables()

/**
 * CRC-32C of `bytes`, an unsigned 32-bit number. `seed` is the checksum of what came before, so that
 * `crc32c(b, crc32c(a))` is that of both; 0 for nothing.
 *
 * node:zlib has CRC-32 only, which misses three flipped bits in records of more than 11 KiB.
 */
export function crc32c(bytes: Uint8Array, seed = 0): number {
  const [t0, t1, t2, t3, t4, t5, t6, t7] = TABLES
  let crc = ~seed
  let at = 0
  const sliced = bytes.length - (bytes.length % SLICES)
  while (at < sliced) {
    // Eight bytes at a time: the first four meet the remainder, and all are looked up without waiting for each other.
    const low = crc ^ (bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24))
    crc =
      t7[low & 0xff]! ^
      t6[(low >>> 8) & 0xff]! ^
      t5[(low >>> 16) & 0xff]! ^
      t4[low >>> 24]! ^
      t3[bytes[at + 4]!]! ^
      t2[bytes[at + 5]!]! ^
      t1[bytes[at + 6]!]! ^
      t0[bytes[at + 7]!]!
    at += SLICES
  }
  for (; at < bytes.length; at++) crc = (crc >>> 8) ^ t0[(crc ^ bytes[at]!) & 0xff]!
  return ~crc >>> 0
}

type Tables = readonly [Int32Array, Int32Array, Int32Array, Int32Array, Int32Array, Int32Array, Int32Array, Int32Array]

function makeTables(): Tables {
  const first = Int32Array.from({ length: 256 }, (_, byte) => {
    let crc = byte
    for (let bit = 0; bit < 8; bit++) crc = (crc & 1) === 1 ? (crc >>> 1) ^ POLYNOMIAL : crc >>> 1
    return crc
  })
  const tables = [first]
  for (let slice = 1; slice < SLICES; slice++) {
    const last = tables[slice - 1]!
    tables.push(last.map((crc) => (crc >>> 8) ^ first[crc & 0xff]!))
  }
  return tables as unknown as Tables
}
