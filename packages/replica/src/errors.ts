/** What the disk of a replica did, or what it holds, or what it tells a client. Every message names the path or the URL. Sequence numbers count records of the log. */
export type ReplicaFault =
  /**
   * Something that was durable is gone or changed. What the seat has signed is not known any more, so it must not sign again: its key is
   * burnt, and it rejoins as a learner.
   */
  | { readonly code: 'LOG_CORRUPT'; readonly path: string; readonly seq: number; readonly reason: string }
  | { readonly code: 'SUPERBLOCK_CORRUPT'; readonly path: string; readonly reason: string }
  | { readonly code: 'UNSUPPORTED_VERSION'; readonly path: string; readonly found: number; readonly supported: number }
  /** A write or a sync failed. Nothing is known of what is on disk; only a restart, which reads it, finds out. */
  | { readonly code: 'LOG_FAILED'; readonly path: string; readonly reason: string }
  | { readonly code: 'ENTRY_TOO_LARGE'; readonly bytes: number; readonly bytesMax: number }
  | { readonly code: 'CLOSED'; readonly path: string }
  /** Not a file that describes a ledger. */
  | { readonly code: 'BAD_LEDGER_FILE'; readonly path: string }
  /** A replica answers a client with this HTTP status; 503: not now. */
  | { readonly code: 'REFUSED'; readonly url: string; readonly status: number; readonly reason: string }
  /** A key whose time is over is still on the disk: this process must not go on as if it were not. */
  | { readonly code: 'KEY_NOT_ERASED'; readonly path: string; readonly reason: string }
  | { readonly code: 'STATE_CORRUPT'; readonly path: string; readonly reason: string }

export class ReplicaError extends Error {
  override readonly name = 'ReplicaError'
  readonly fault: ReplicaFault

  constructor(fault: ReplicaFault, options?: { readonly cause?: unknown }) {
    super(describe(fault), options)
    this.fault = fault
  }
}

function describe(fault: ReplicaFault): string {
  switch (fault.code) {
    case 'LOG_CORRUPT':
      return `${fault.path} has lost record ${fault.seq}: ${fault.reason}; this seat must not sign again`
    case 'SUPERBLOCK_CORRUPT':
      return `${fault.path} is damaged: ${fault.reason}; this seat must not sign again`
    case 'UNSUPPORTED_VERSION':
      return `${fault.path} has format version ${fault.found}, this program reads ${fault.supported}`
    case 'LOG_FAILED':
      return `${fault.path} cannot be relied on until it is read again: ${fault.reason}`
    case 'ENTRY_TOO_LARGE':
      return `an entry of ${fault.bytes} bytes, ${fault.bytesMax} is the most`
    case 'CLOSED':
      return `${fault.path} has been closed`
    case 'BAD_LEDGER_FILE':
      return `${fault.path} does not describe a ledger that this program knows`
    case 'REFUSED':
      return `${fault.url} answers ${fault.status}: ${fault.reason}`
    case 'KEY_NOT_ERASED':
      return `${fault.path} must be erased, and is not: ${fault.reason}`
    case 'STATE_CORRUPT':
      return `${fault.path} is damaged: ${fault.reason}`
    default:
      return fault satisfies never
  }
}
