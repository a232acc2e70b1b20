import { LedgerError } from '@cairn/ledger'

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
  /** The log has forgotten what this checkpoint stood for, and the state that has it is gone: what the seat has signed is not known any more. */
  | { readonly code: 'STATE_LOST'; readonly path: string; readonly height: number }
  /** A key whose time is over is still on the disk: this process must not go on as if it were not. */
  | { readonly code: 'KEY_NOT_ERASED'; readonly path: string; readonly reason: string }
  /** The state, or records of epochs, are not what was written. What the seat has signed is in its log, so it can do without until they are fetched again. */
  | { readonly code: 'STATE_CORRUPT'; readonly path: string; readonly reason: string }

export class ReplicaError extends Error {
  override readonly name = 'ReplicaError'
  readonly fault: ReplicaFault

  constructor(fault: ReplicaFault, options?: { readonly cause?: unknown }) {
    super(describe(fault), options)
    this.fault = fault
  }
}

/** SQLite's codes for a file that is not what it wrote, or that is none of its files. */
const UNREADABLE: readonly unknown[] = [11, 26]

/** Whether what was thrown says that a file, or a page of a state, is not what was written. */
export function isDamage(error: unknown): boolean {
  if (error instanceof ReplicaError) return error.fault.code === 'STATE_CORRUPT'
  return error instanceof Error && 'errcode' in error && UNREADABLE.includes(Number(error.errcode) & 0xff)
}

/** What a database at `path` threw: what SQLite says of its file, or what was thrown for another reason, as it is. */
export function databaseFault(cause: unknown, path: string): unknown {
  if (cause instanceof LedgerError && cause.fault.code === 'PAGE_MISSING')
    return new ReplicaError({ code: 'STATE_CORRUPT', path, reason: cause.message }, { cause })
  if (!(cause instanceof Error) || !('errcode' in cause)) return cause
  const code = isDamage(cause) ? 'STATE_CORRUPT' : 'LOG_FAILED'
  return new ReplicaError({ code, path, reason: cause.message }, { cause })
}

/** Does what returns something as `guarded` does what returns nothing, and throws on what is found. */
export function toldTo<Result>(guarded: (act: () => void) => void, act: () => Result): Result {
  try {
    return act()
  } catch (error) {
    guarded(() => {
      throw error
    })
    throw error
  }
}

/** Does what may find that the files in `directory` are not what they were, and hands that to `fail`; all else passes. */
export function guardedBy(directory: string, fail: (error: ReplicaError) => void): (act: () => void) => void {
  return (act) => {
    try {
      act()
    } catch (error) {
      const fault = databaseFault(error, directory)
      if (!(fault instanceof ReplicaError)) throw error
      fail(fault)
    }
  }
}

/** What ends a replica, whatever it was that failed at `path`. */
export function failureOf(error: unknown, path: string): ReplicaError {
  if (error instanceof ReplicaError) return error
  return new ReplicaError({ code: 'LOG_FAILED', path, reason: error instanceof Error ? error.message : String(error) }, { cause: error })
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
    case 'STATE_LOST':
      return `${fault.path} does not have the checkpoint of height ${fault.height}, behind which the log was forgotten; this seat must not sign again`
    case 'KEY_NOT_ERASED':
      return `${fault.path} must be erased, and is not: ${fault.reason}`
    case 'STATE_CORRUPT':
      return `${fault.path} is damaged: ${fault.reason}`
    default:
      return fault satisfies never
  }
}
