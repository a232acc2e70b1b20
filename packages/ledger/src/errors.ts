/** Why something was refused. Everything here that reads bytes or configuration of others throws only {@link LedgerError}. */
export type LedgerFault =
  | { readonly code: 'MALFORMED'; readonly what: string; readonly reason: string }
  | { readonly code: 'TOO_LARGE'; readonly what: string; readonly value: number; readonly max: number }
  /** A committee that could lose safety or liveness by its numbers alone. */
  | { readonly code: 'BAD_COMMITTEE'; readonly reason: string }
  | { readonly code: 'BAD_CERTIFICATE'; readonly kind: string; readonly slot: number; readonly reason: string }
  /** What a seat has on disk contradicts itself: it must not sign again with this key. */
  | { readonly code: 'BAD_RECORDS'; readonly reason: string }

export class LedgerError extends Error {
  override readonly name = 'LedgerError'
  readonly fault: LedgerFault

  constructor(fault: LedgerFault, options?: { readonly cause?: unknown }) {
    super(describe(fault), options)
    this.fault = fault
  }
}

function describe(fault: LedgerFault): string {
  switch (fault.code) {
    case 'MALFORMED':
      return `malformed ${fault.what}: ${fault.reason}`
    case 'TOO_LARGE':
      return `${fault.what} is ${fault.value}, ${fault.max} is the most`
    case 'BAD_COMMITTEE':
      return `not a committee that can agree: ${fault.reason}`
    case 'BAD_CERTIFICATE':
      return `${fault.kind} certificate of slot ${fault.slot} proves nothing: ${fault.reason}`
    case 'BAD_RECORDS':
      return `the seat's own records contradict each other: ${fault.reason}`
    default:
      return fault satisfies never
  }
}
