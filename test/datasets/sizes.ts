const UNITS: Readonly<Record<string, number>> = { B: 1, KiB: 1024, MiB: 1024 ** 2, GiB: 1024 ** 3 }

/**
 * Bytes in `text`, such as `4096`, `64MiB` or `1.5GiB`.
 *
 * @throws {RangeError} if it is anything else
 */
export function parseBytes(text: string): number {
  const [, number, unit = 'B'] = /^(\d+(?:\.\d+)?)\s*(B|KiB|MiB|GiB)?$/.exec(text) ?? []
  if (number === undefined) throw new RangeError(`${text} is not a size: write 4096, 64MiB or 1.5GiB`)
  return Math.round(Number(number) * UNITS[unit]!)
}
