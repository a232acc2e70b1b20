/**
 * Why metadata, or a question about it, was refused. `file` names the metadata file, `role` who should have signed it.
 * Instants are milliseconds since the Unix epoch.
 */
export type TrustFault =
  /** Not canonical JSON, or not the shape that its kind has: truncated, edited, or another kind's file. */
  | { readonly code: 'MALFORMED'; readonly file: string; readonly reason: string }
  | { readonly code: 'TOO_LARGE'; readonly file: string; readonly what: string; readonly found: number; readonly max: number }
  | { readonly code: 'UNSUPPORTED_VERSION'; readonly file: string; readonly found: string; readonly supported: string }
  /** Fewer valid signatures than the role's threshold, or one that is not valid; `found` and `wanted` count signatures. */
  | {
      readonly code: 'FORGED'
      readonly file: string
      readonly role: string
      readonly reason: string
      readonly found: number
      readonly wanted: number
    }
  /** Properly signed, by someone who has no say in what it states. */
  | { readonly code: 'OUT_OF_SCOPE'; readonly file: string; readonly role: string; readonly found: string; readonly wanted: string }
  | { readonly code: 'EXPIRED'; readonly file: string; readonly role: string; readonly expiresAt: number; readonly now: number }
  /** `found` and `wanted` are versions; `found` is 0 if the file is no longer listed at all. */
  | { readonly code: 'ROLLED_BACK'; readonly file: string; readonly role: string; readonly found: number; readonly wanted: number }
  /** Genuine parts that do not belong together. */
  | {
      readonly code: 'MIXED'
      readonly file: string
      readonly role: string
      readonly what: string
      readonly found: string
      readonly wanted: string
    }
  | { readonly code: 'MISSING'; readonly file: string; readonly role: string }
  | { readonly code: 'UNKNOWN_LEDGER'; readonly ledger: string; readonly known: readonly string[] }
  | {
      readonly code: 'UNKNOWN_RELEASE'
      readonly ledger: string
      readonly wanted: string
      readonly heights: readonly number[]
      readonly channels: readonly string[]
    }
  | { readonly code: 'BAD_SELECTOR'; readonly selector: string; readonly reason: string }
  /** The height is taken; `found` and `wanted` are manifest CIDs. */
  | { readonly code: 'CONFLICT'; readonly ledger: string; readonly height: number; readonly found: string; readonly wanted: string }
  | { readonly code: 'BAD_KEY'; readonly reason: string }

export class TrustError extends Error {
  override readonly name = 'TrustError'
  readonly fault: TrustFault

  constructor(fault: TrustFault, options?: { readonly cause?: unknown }) {
    super(describe(fault), options)
    this.fault = fault
  }
}

function describe(fault: TrustFault): string {
  switch (fault.code) {
    case 'MALFORMED':
      return `${fault.file} is malformed: ${fault.reason}`
    case 'TOO_LARGE':
      return `${fault.file} has ${fault.found} ${fault.what}, ${fault.max} is the most`
    case 'UNSUPPORTED_VERSION':
      return `${fault.file} has format version ${fault.found}, this program reads ${fault.supported}`
    case 'FORGED':
      return `${fault.file} is not signed by role ${fault.role}: ${fault.reason} (${fault.found} valid signatures, ${fault.wanted} needed)`
    case 'OUT_OF_SCOPE':
      return `${fault.file} speaks for ${fault.found}, but role ${fault.role} may only speak for ${fault.wanted}`
    case 'EXPIRED':
      return `${fault.file} of role ${fault.role} expired at ${instantText(fault.expiresAt)}, it is now ${instantText(fault.now)}`
    case 'ROLLED_BACK':
      return fault.found === 0
        ? `${fault.file} was withdrawn after version ${fault.wanted} was seen`
        : `${fault.file} was rolled back to version ${fault.found} after version ${fault.wanted} was seen`
    case 'MIXED':
      return `${fault.file} does not belong to the rest: its ${fault.what} is ${fault.found}, ${fault.wanted} was signed for`
    case 'MISSING':
      return `${fault.file} is not available`
    case 'UNKNOWN_LEDGER':
      return `there is no ledger ${fault.ledger}; there ${listText(fault.known, 'is', 'are')}`
    case 'UNKNOWN_RELEASE':
      return `ledger ${fault.ledger} has no release ${fault.wanted}; channels: ${orNone(fault.channels)}; heights: ${orNone(fault.heights)}`
    case 'BAD_SELECTOR':
      return `${JSON.stringify(fault.selector)} does not name a release: ${fault.reason}`
    case 'CONFLICT':
      return `ledger ${fault.ledger} already has height ${fault.height} with manifest ${fault.found}, not ${fault.wanted}`
    case 'BAD_KEY':
      return `not a usable key: ${fault.reason}`
    default:
      return fault satisfies never
  }
}

function instantText(instant: number): string {
  // The clock may say anything; an error about it must still be printable.
  return Math.abs(instant) <= 8.64e15 ? new Date(instant).toISOString() : `${instant} ms`
}

function listText(names: readonly string[], one: string, many: string): string {
  return names.length === 0 ? `${one} none` : `${names.length === 1 ? one : many} ${names.join(', ')}`
}

/** At most ten, the newest (the last) ones: a ledger may have a thousand heights and this is one sentence. */
function orNone(values: readonly (string | number)[]): string {
  if (values.length === 0) return 'none'
  return values.length > 10 ? `… ${values.slice(-10).join(', ')}` : values.join(', ')
}
