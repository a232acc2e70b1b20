import type { ValueParser } from './parser.ts'

/** A whole number from `min` on, in plain decimal digits. */
export function integer(min: number, example: number): ValueParser<number> {
  return {
    accepts: `a whole number from ${min} on, such as ${example}`,
    read(text) {
      if (!/^(0|[1-9]\d*)$/.test(text)) return undefined
      const value = Number(text)
      return value >= min && Number.isSafeInteger(value) ? value : undefined
    },
  }
}

const SIZE_UNITS: Readonly<Record<string, number>> = {
  '': 1,
  B: 1,
  kB: 1e3,
  KB: 1e3,
  MB: 1e6,
  GB: 1e9,
  TB: 1e12,
  KiB: 2 ** 10,
  MiB: 2 ** 20,
  GiB: 2 ** 30,
  TiB: 2 ** 40,
}

/**
 * Bytes, at least 1. Units are spelled as the standards do, and `20G` is refused:
 * it means 20 GB to some and 20 GiB to others, and a disk is planned by it.
 */
export const size: ValueParser<number> = {
  accepts: 'a size such as 20GiB, 512MiB or 10MB',
  read: (text) => atLeastOne(scaled(text, SIZE_UNITS)),
}

/** Bytes per second, at least 1. Bits are not taken: `Mbit` and `MB` differ by a factor of eight and look alike. */
export const rate: ValueParser<number> = {
  accepts: 'a rate such as 10MiB/s or 500kB/s',
  read: (text) => (text.endsWith('/s') ? size.read(text.slice(0, -'/s'.length)) : undefined),
}

const DURATION_UNITS_MS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 }

/** Timers count to 2^31 - 1 milliseconds and fire at once beyond that. */
export const DURATION_MS_MAX = 2 ** 31 - 1

/** Milliseconds, from 1 to {@link DURATION_MS_MAX}. */
export const duration: ValueParser<number> = {
  accepts: 'a duration of at most 24 days such as 500ms, 30s, 5m or 1h',
  read(text) {
    const ms = atLeastOne(scaled(text, DURATION_UNITS_MS))
    return ms !== undefined && ms <= DURATION_MS_MAX ? ms : undefined
  },
}

function scaled(text: string, units: Readonly<Record<string, number>>): number | undefined {
  const [, digits, unit] = /^(\d{1,15}(?:\.\d{1,6})?) ?([A-Za-z]*)$/.exec(text) ?? []
  const factor = unit !== undefined && Object.hasOwn(units, unit) ? units[unit] : undefined
  return digits === undefined || factor === undefined ? undefined : Math.round(Number(digits) * factor)
}

function atLeastOne(value: number | undefined): number | undefined {
  return value !== undefined && value >= 1 && Number.isSafeInteger(value) ? value : undefined
}
