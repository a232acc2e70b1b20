import { gearTable } from '../gear.ts'

/** Bytes that a 32-bit gear hash remembers. */
export const ANCHOR_WINDOW_BYTES = 32

// Signed words keep the hash in the engine's small integers.
const GEAR = new Int32Array(gearTable())
/** Odd, so that no bit of a word is lost: 2^32 divided by the golden ratio. */
const FACTOR = 0x9e37_79b1

/**
 * Anchors of one chunk: for each a hash of {@link ANCHOR_WINDOW_BYTES} bytes in it, and where these bytes end. Two words each, in order of
 * their ends.
 */
export type Anchors = Uint32Array<ArrayBuffer>

/**
 * The anchors of `plain`: one of 2^`bits` places has one, where the top bits of the gear hash are zero. They depend on the bytes before them
 * alone, so content that was moved, or edited elsewhere, keeps them. Of equal ones in a row, as in a run of zeros, the first is taken.
 */
export function anchorsOf(plain: Uint8Array, bits: number): Anchors {
  const mask = -1 << (32 - bits)
  let anchors = new Uint32Array(2 * (16 + ((2 * plain.byteLength) >> bits)))
  let length = 0
  let last: number | undefined
  let hash = 0
  const first = Math.min(ANCHOR_WINDOW_BYTES - 1, plain.byteLength)
  for (let at = 0; at < first; at++) hash = ((hash << 1) + GEAR[plain[at]!]!) | 0
  for (let at = first; at < plain.byteLength; at++) {
    hash = ((hash << 1) + GEAR[plain[at]!]!) | 0
    if ((hash & mask) !== 0) continue
    const window = hashWindow(plain, at + 1 - ANCHOR_WINDOW_BYTES)
    if (window === last) continue
    if (length === anchors.length) {
      const larger = new Uint32Array(2 * length)
      larger.set(anchors)
      anchors = larger
    }
    last = window
    anchors[length] = window
    anchors[length + 1] = at + 1
    length += 2
  }
  return anchors.slice(0, length)
}

/**
 * Of the gear hash only the lower bits are left to tell anchors apart, of which a million would be taken for another in one case of 16. This
 * one has all of its 32.
 */
function hashWindow(plain: Uint8Array, start: number): number {
  let hash = 0
  for (let at = start; at < start + ANCHOR_WINDOW_BYTES; at += 4) {
    const word = plain[at]! | (plain[at + 1]! << 8) | (plain[at + 2]! << 16) | (plain[at + 3]! << 24)
    hash = Math.imul(hash ^ word, FACTOR)
    hash ^= hash >>> 15
  }
  return hash
}
