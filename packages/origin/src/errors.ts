/** Why a workspace or a publication was refused. */
export type OriginFault =
  | { readonly code: 'NOT_A_WORKSPACE'; readonly path: string }
  | { readonly code: 'WORKSPACE_EXISTS'; readonly path: string; readonly ledger: string }
  | { readonly code: 'OTHER_NETWORK'; readonly path: string; readonly found: string; readonly wanted: string }
  | { readonly code: 'KEY_MISSING'; readonly path: string; readonly role: string }
  | { readonly code: 'BAD_NAME'; readonly what: string; readonly name: string }
  | { readonly code: 'UNKNOWN_LEDGER'; readonly ledger: string; readonly known: readonly string[] }
  | { readonly code: 'NOT_A_DIRECTORY'; readonly path: string }
  | { readonly code: 'SOURCE_CHANGED'; readonly path: string }
  | { readonly code: 'THREAD_FAILED'; readonly reason: string }
  | { readonly code: 'PATTERN_MATCHES_NOTHING'; readonly pattern: string }
  | { readonly code: 'UNSUPPORTED_WORKSPACE'; readonly path: string; readonly found: number; readonly supported: number }

export class OriginError extends Error {
  override readonly name = 'OriginError'
  readonly fault: OriginFault

  constructor(fault: OriginFault, options?: { readonly cause?: unknown }) {
    super(describe(fault), options)
    this.fault = fault
  }
}

function describe(fault: OriginFault): string {
  switch (fault.code) {
    case 'NOT_A_WORKSPACE':
      return `${fault.path} is not a workspace`
    case 'WORKSPACE_EXISTS':
      return `${fault.path} is a workspace that has ledger ${fault.ledger} already`
    case 'OTHER_NETWORK':
      return `${fault.path} belongs to network ${fault.found}, not ${fault.wanted}`
    case 'KEY_MISSING':
      return `the ${fault.role} key is not at ${fault.path}`
    case 'BAD_NAME':
      return `${JSON.stringify(fault.name)} cannot name a ${fault.what}: lower-case letters, digits and -, beginning with a letter`
    case 'UNKNOWN_LEDGER':
      return `the workspace has no ledger ${fault.ledger}, it has ${fault.known.join(', ') || 'none'}`
    case 'NOT_A_DIRECTORY':
      return `${fault.path} is not a directory`
    case 'SOURCE_CHANGED':
      return `${fault.path} changed while it was being published`
    case 'THREAD_FAILED':
      return `a thread of the publication failed: ${fault.reason}`
    case 'PATTERN_MATCHES_NOTHING':
      return `no file matches ${JSON.stringify(fault.pattern)}`
    case 'UNSUPPORTED_WORKSPACE':
      return `${fault.path} has format version ${fault.found}, this program reads ${fault.supported}`
    default:
      return fault satisfies never
  }
}
