import { type Random, randomBelow } from '@cairn/runtime'

/** Chance for a simulation: whole numbers only, from one named stream. */
export class Dice {
  readonly #random: Random

  constructor(random: Random) {
    this.#random = random
  }

  /** In [0, bound). */
  below(bound: number): number {
    return randomBelow(this.#random, bound)
  }

  /** In [low, high]. */
  between(low: number, high: number): number {
    return low + this.below(high - low + 1)
  }

  /** True `permille` times in a thousand. */
  chance(permille: number): boolean {
    return permille > 0 && this.below(1000) < permille
  }

  pick<T>(items: readonly T[]): T {
    const item = items[this.below(items.length)]
    if (item === undefined) throw new RangeError('nothing to pick from')
    return item
  }

  /** `count` different ones of `items`, or all. */
  some<T>(items: readonly T[], count: number): T[] {
    const left = [...items]
    const chosen: T[] = []
    while (chosen.length < count && left.length > 0) chosen.push(...left.splice(this.below(left.length), 1))
    return chosen
  }
}
