import { TrustError } from './errors.ts'
import { isChannelName, isLedgerName, parseHeight } from './names.ts'
import type { Release } from './release.ts'
import { releases, type TrustState } from './trust-state.ts'

/** The channel of those who name none. */
export const DEFAULT_CHANNEL = 'stable'

/** Which release of a ledger: the one at `height`, or the one that `channel` points at, {@link DEFAULT_CHANNEL} if neither is given. */
export interface Selector {
  readonly ledger: string
  readonly height?: number
  readonly channel?: string
}

/**
 * Reads `NAME`, `NAME@HEIGHT` or `NAME@CHANNEL`. Channels begin with a letter, so the three cannot be confused.
 *
 * @throws {TrustError} `BAD_SELECTOR`
 */
export function parseSelector(text: string): Selector {
  const at = text.indexOf('@')
  const ledger = at < 0 ? text : text.slice(0, at)
  if (!isLedgerName(ledger))
    throw bad(text, 'a ledger name is lower-case letters, digits and -, begins with a letter, and is not a role’s name')
  if (at < 0) return { ledger }
  const which = text.slice(at + 1)
  const height = parseHeight(which)
  if (height !== undefined) return { ledger, height }
  if (isChannelName(which)) return { ledger, channel: which }
  throw bad(text, 'after @ comes a height or a channel')
}

/**
 * The release that `selector` names under `state`.
 *
 * @throws {TrustError} `UNKNOWN_LEDGER` or `UNKNOWN_RELEASE`, which list what there is
 */
export function resolveRelease(state: TrustState, selector: Selector): Release {
  const all = releases(state, selector.ledger)
  const channel = selector.channel ?? DEFAULT_CHANNEL
  const found = all.find((release) =>
    selector.height === undefined ? release.channels.includes(channel) : release.height === selector.height,
  )
  if (found !== undefined) return found
  throw new TrustError({
    code: 'UNKNOWN_RELEASE',
    ledger: selector.ledger,
    wanted: selector.height === undefined ? `on channel ${channel}` : `at height ${selector.height}`,
    heights: all.map((release) => release.height),
    channels: [...new Set(all.flatMap((release) => release.channels))].sort(),
  })
}

function bad(selector: string, reason: string): TrustError {
  return new TrustError({ code: 'BAD_SELECTOR', selector: selector.slice(0, 160), reason })
}
