/** Why a page of the state, a proof about it or an operation on it was refused. Hashes are in hexadecimal. */
export type StateFault =
  /** A page that the tree names is not in the store. Nothing may be concluded about its keys. */
  | { readonly code: 'PAGE_MISSING'; readonly page: string }
  /** A proof whose pages do not lead from the root to the key. */
  | { readonly code: 'STATE_PROOF_INVALID'; readonly reason: string }
  | { readonly code: 'OPERATION_FORGED'; readonly operation: string }

export function describeStateFault(fault: StateFault): string {
  switch (fault.code) {
    case 'PAGE_MISSING':
      return `page ${fault.page} of the state is not in the store`
    case 'STATE_PROOF_INVALID':
      return `the proof does not lead from the state root to the key: ${fault.reason}`
    case 'OPERATION_FORGED':
      return `operation ${fault.operation} is not signed by its client`
    default:
      return fault satisfies never
  }
}
