/** Places at which two keys may part within one byte: the end of one of them, and eight bits. */
const PLACES_PER_BYTE = 9

/** Orders keys bytewise, a key before those that it begins. */
export function compareKeys(a: Uint8Array, b: Uint8Array): number {
  // Keys are short: a loop costs less than the way into the library.
  const common = Math.min(a.byteLength, b.byteLength)
  for (let index = 0; index < common; index++) {
    const difference = (a[index] ?? 0) - (b[index] ?? 0)
    if (difference !== 0) return difference
  }
  return a.byteLength - b.byteLength
}

/** How many of `items`, sorted by their keys from `start` on, come before `key`, counted from the first of all. */
export function countBefore(items: readonly { readonly key: Uint8Array }[], key: Uint8Array, start = 0): number {
  let low = start
  let high = items.length
  while (low < high) {
    const middle = (low + high) >>> 1
    const item = items[middle]
    if (item !== undefined && compareKeys(item.key, key) < 0) low = middle + 1
    else high = middle
  }
  return low
}

/**
 * The first place at which keys part, counted so that places run in the order in which a key is read; Infinity for equal keys.
 * Of a sorted list, the first and the last part first: whatever parts any two parts these.
 */
export function partingPlace(a: Uint8Array, b: Uint8Array): number {
  const common = Math.min(a.byteLength, b.byteLength)
  for (let index = 0; index < common; index++) {
    const difference = (a[index] ?? 0) ^ (b[index] ?? 0)
    // clz32 of a byte's difference is at least 24: the place of the highest bit that differs, from 1.
    if (difference !== 0) return index * PLACES_PER_BYTE + Math.clz32(difference) - 23
  }
  return a.byteLength === b.byteLength ? Infinity : common * PLACES_PER_BYTE
}

/** On which side of `place` a key is, among keys that agree before it. The lower side is false. */
function isAbove(key: Uint8Array, place: number): boolean {
  const index = Math.floor(place / PLACES_PER_BYTE)
  const bit = place % PLACES_PER_BYTE
  if (bit === 0) return key.byteLength > index
  return (((key[index] ?? 0) >> (8 - bit)) & 1) === 1
}

/** How many of `items`, sorted and in agreement before `place`, are below it. */
export function countBelow(items: readonly { readonly key: Uint8Array }[], place: number): number {
  let low = 0
  let high = items.length
  while (low < high) {
    const middle = (low + high) >>> 1
    const item = items[middle]
    if (item !== undefined && isAbove(item.key, place)) high = middle
    else low = middle + 1
  }
  return low
}
