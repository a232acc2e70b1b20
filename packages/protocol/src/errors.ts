/** Why bytes were refused. Every decoder of peer bytes throws only {@link ProtocolError}. */
export type ProtocolFault =
  | { readonly code: 'MALFORMED'; readonly what: string; readonly reason: string }
  | { readonly code: 'TOO_LARGE'; readonly what: string; readonly value: number; readonly max: number }
  | { readonly code: 'UNSUPPORTED_VERSION'; readonly what: string; readonly found: number; readonly supported: number }
  | { readonly code: 'BAD_CID'; readonly reason: string }
  | { readonly code: 'MISMATCH'; readonly what: string; readonly found: string; readonly wanted: string }

export class ProtocolError extends Error {
  override readonly name = 'ProtocolError'
  readonly fault: ProtocolFault

  constructor(fault: ProtocolFault, options?: { readonly cause?: unknown }) {
    super(describe(fault), options)
    this.fault = fault
  }
}

function describe(fault: ProtocolFault): string {
  switch (fault.code) {
    case 'MALFORMED':
      return `malformed ${fault.what}: ${fault.reason}`
    case 'TOO_LARGE':
      return `${fault.what} is ${fault.value}, ${fault.max} is the most`
    case 'UNSUPPORTED_VERSION':
      return `${fault.what} has version ${fault.found}, this program reads ${fault.supported}`
    case 'BAD_CID':
      return `not a Cairn identifier: ${fault.reason}`
    case 'MISMATCH':
      return `${fault.what} is ${fault.found}, ${fault.wanted} was expected`
    default:
      return fault satisfies never
  }
}
