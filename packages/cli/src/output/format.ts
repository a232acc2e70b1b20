const UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB'] as const

/** `0 B`, `12.3 KiB`, `1.0 GiB`: powers of 1024, one decimal above bytes. */
export function formatBytes(bytes: number): string {
  let value = bytes
  let unit = 0
  // 1023.95 would be shown as 1024.0 of the smaller unit.
  while (value >= (unit === 0 ? 1024 : 1023.95) && unit < UNITS.length - 1) {
    value /= 1024
    unit++
  }
  return `${unit === 0 ? Math.round(value) : value.toFixed(1)} ${UNITS[unit]}`
}

/** Of `perSecond` bytes. */
export function formatRate(perSecond: number): string {
  return `${formatBytes(perSecond)}/s`
}

/** `850 ms`, `12 s`, `3 min 20 s`, `2 h 5 min`, `3 d 4 h`: the two largest units, rounded. */
export function formatDuration(ms: number): string {
  if (ms < 999.5) return `${Math.round(ms)} ms`
  const seconds = Math.round(ms / 1000)
  if (seconds < 60) return `${seconds} s`
  if (seconds < 3600) return two(seconds, 60, 'min', 1, 's')
  if (seconds < 86_400) return two(Math.round(seconds / 60) * 60, 3600, 'h', 60, 'min')
  return two(Math.round(seconds / 3600) * 3600, 86_400, 'd', 3600, 'h')
}

/** With one decimal, rounded down: 100.0 % is said of what is complete and of nothing else. */
export function formatPercent(part: number, whole: number): string {
  const percent = whole === 0 ? 100 : (part / whole) * 100
  return `${(Math.floor(percent * 10) / 10).toFixed(1)} %`
}

/** Text from elsewhere, safe for a terminal: control characters, which could move the cursor or rename the window, become `�`. */
export function printable(text: string): string {
  return text.replaceAll(/\p{Cc}|\p{Bidi_Control}/gu, '\u{fffd}')
}

function two(seconds: number, large: number, largeName: string, small: number, smallName: string): string {
  const rest = Math.floor((seconds % large) / small)
  return `${Math.floor(seconds / large)} ${largeName}${rest === 0 ? '' : ` ${rest} ${smallName}`}`
}
