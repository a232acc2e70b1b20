/** Why the state, a page of it, a proof about it or an operation on it was refused. Hashes are in hexadecimal. */
export type StateFault =
  /** Bytes that no encoder wrote: cut off, edited, or not in their one form. */
  | { readonly code: 'STATE_MALFORMED'; readonly what: string; readonly reason: string }
  | { readonly code: 'STATE_TOO_LARGE'; readonly what: string; readonly found: number; readonly max: number }
  /** A page that the tree names is not in the store. Nothing may be concluded about its keys. */
  | { readonly code: 'PAGE_MISSING'; readonly page: string }
  /** A proof whose pages do not lead from the root to the key. */
  | { readonly code: 'STATE_PROOF_INVALID'; readonly reason: string }
  | { readonly code: 'OPERATION_FORGED'; readonly operation: string }
  | { readonly code: 'KEY_RESERVED' }

export function describeStateFault(fault: StateFault): string {
  switch (fault.code) {
    case 'STATE_MALFORMED':
      return `malformed ${fault.what}: ${fault.reason}`
    case 'STATE_TOO_LARGE':
      return `${fault.what} is ${fault.found}, ${fault.max} is the most`
    case 'PAGE_MISSING':
      return `page ${fault.page} of the state is not in the store`
    case 'STATE_PROOF_INVALID':
      return `the proof does not lead from the state root to the key: ${fault.reason}`
    case 'OPERATION_FORGED':
      return `operation ${fault.operation} is not signed by its client`
    case 'KEY_RESERVED':
      return 'an empty key is not a key'
    default:
      return fault satisfies never
  }
}
