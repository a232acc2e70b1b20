import { getRandomValues } from 'node:crypto'

/** Chance as Cairn sees it: 32 bits at a time, and named sub-streams so that one consumer cannot disturb another. */
export interface Random {
  /** The next integer in [0, 2^32). */
  u32(): number
  /** An independent stream named `name`; the same seed and name give the same stream. */
  fork(name: string): Random
}

export const systemRandom: Random = {
  u32: () => getRandomValues(new Uint32Array(1))[0]!,
  fork: () => systemRandom,
}

/** A replayable {@link Random}: the same `seed` gives the same numbers on every machine (xoshiro128**). */
export function seededRandom(seed: number | string): Random {
  return new Xoshiro128(String(seed))
}

/** An integer in [0, bound); `bound` is at most 2^32. Unbiased. */
export function randomBelow(random: Random, bound: number): number {
  // Rejecting the ragged top of the range is what keeps small remainders from being favoured.
  const limit = 2 ** 32 - (2 ** 32 % bound)
  for (;;) {
    const value = random.u32()
    if (value < limit) return value % bound
  }
}

/** A float in [0, 1) with 32 bits of precision. */
export function randomUnit(random: Random): number {
  return random.u32() / 2 ** 32
}

/** xoshiro128** by Blackman and Vigna, seeded through splitmix32 over an FNV-1a hash of the seed text. */
class Xoshiro128 implements Random {
  readonly #seed: string
  #a: number
  #b: number
  #c: number
  #d: number

  constructor(seed: string) {
    this.#seed = seed
    let state = fnv1a(seed)
    const next = (): number => {
      state = (state + 0x9e3779b9) >>> 0
      let mixed = state ^ (state >>> 16)
      mixed = Math.imul(mixed, 0x21f0aaad)
      mixed ^= mixed >>> 15
      mixed = Math.imul(mixed, 0x735a2d97)
      return (mixed ^ (mixed >>> 15)) >>> 0
    }
    this.#a = next()
    this.#b = next()
    this.#c = next()
    this.#d = next() | 1 // an all-zero state would only ever give zeros
  }

  u32(): number {
    const result = Math.imul(rotl(Math.imul(this.#b, 5), 7), 9) >>> 0
    const shifted = this.#b << 9
    this.#c ^= this.#a
    this.#d ^= this.#b
    this.#b ^= this.#c
    this.#a ^= this.#d
    this.#c ^= shifted
    this.#d = rotl(this.#d, 11)
    return result
  }

  fork(name: string): Random {
    return new Xoshiro128(`${this.#seed}/${name}`)
  }
}

function rotl(value: number, bits: number): number {
  return (value << bits) | (value >>> (32 - bits))
}

function fnv1a(text: string): number {
  let hash = 0x811c9dc5
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193)
  return hash >>> 0
}
