/** What kept a log, a status server or a status request from working. */
export type ObservabilityFault =
  /** `address` is `host:port`; `errno` is the system's code, such as `EADDRINUSE`, or `undefined` where it gave none. */
  | { readonly code: 'LISTEN_FAILED'; readonly address: string; readonly errno: string | undefined; readonly reason: string }
  | { readonly code: 'BAD_ADDRESS'; readonly text: string; readonly reason: string }
  | { readonly code: 'LOG_UNWRITABLE'; readonly path: string; readonly reason: string }
  | { readonly code: 'STATUS_UNREACHABLE'; readonly url: string; readonly reason: string }
  | { readonly code: 'STATUS_UNREADABLE'; readonly url: string; readonly reason: string }

export class ObservabilityError extends Error {
  override readonly name = 'ObservabilityError'
  readonly fault: ObservabilityFault

  constructor(fault: ObservabilityFault, options?: { readonly cause?: unknown }) {
    super(describe(fault), options)
    this.fault = fault
  }
}

function describe(fault: ObservabilityFault): string {
  switch (fault.code) {
    case 'LISTEN_FAILED':
      return `cannot listen on ${fault.address}: ${fault.reason}`
    case 'BAD_ADDRESS':
      return `"${fault.text}" is not an address: ${fault.reason}`
    case 'LOG_UNWRITABLE':
      return `cannot write the log to ${fault.path}: ${fault.reason}`
    case 'STATUS_UNREACHABLE':
      return `no answer from ${fault.url}: ${fault.reason}`
    case 'STATUS_UNREADABLE':
      return `the answer from ${fault.url} is not a status: ${fault.reason}`
    default:
      return fault satisfies never
  }
}
