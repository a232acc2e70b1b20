/** What the disk, or the caller's use of it, did. Every message names the path. */
export type StorageFault =
  | { readonly code: 'NO_SPACE'; readonly path: string; readonly bytes?: number }
  | { readonly code: 'IO_FAILED'; readonly path: string; readonly reason: string }
  | { readonly code: 'CORRUPT'; readonly path: string; readonly reason: string }
  | { readonly code: 'SOURCE_CHANGED'; readonly path: string }
  | { readonly code: 'BASE_MISSING'; readonly path: string; readonly chunk: number; readonly base: string }
  | { readonly code: 'FOREIGN_FILES'; readonly path: string; readonly found: readonly string[] }
  | { readonly code: 'OTHER_SNAPSHOT'; readonly path: string; readonly found: string; readonly wanted: string }
  /** One snapshot where versions were expected side by side, or the other way round. */
  | { readonly code: 'OTHER_LAYOUT'; readonly path: string; readonly found: 'snapshot' | 'versions' }
  | { readonly code: 'LOCKED'; readonly path: string; readonly holder: string }
  | { readonly code: 'UNSUPPORTED_FILE'; readonly path: string; readonly kind: string }
  | { readonly code: 'UNSUPPORTED_VERSION'; readonly path: string; readonly found: number; readonly supported: number }

export class StorageError extends Error {
  override readonly name = 'StorageError'
  readonly fault: StorageFault

  constructor(fault: StorageFault, options?: { readonly cause?: unknown }) {
    super(describe(fault), options)
    this.fault = fault
  }
}

function describe(fault: StorageFault): string {
  switch (fault.code) {
    case 'NO_SPACE':
      return `no space left for ${fault.path}${fault.bytes === undefined ? '' : ` (${fault.bytes} bytes needed)`}`
    case 'IO_FAILED':
      return `${fault.path}: ${fault.reason}`
    case 'CORRUPT':
      return `${fault.path} is damaged: ${fault.reason}`
    case 'SOURCE_CHANGED':
      return `${fault.path} was changed after it was published`
    case 'BASE_MISSING':
      return `${fault.path} does not hold ${fault.base}, from which chunk ${fault.chunk} was to be made`
    case 'FOREIGN_FILES':
      return `${fault.path} holds files that are not Cairn's: ${fault.found.join(', ')}`
    case 'OTHER_SNAPSHOT':
      return `${fault.path} holds snapshot ${fault.found}, not ${fault.wanted}`
    case 'OTHER_LAYOUT':
      return fault.found === 'snapshot'
        ? `${fault.path} holds one snapshot, not versions side by side`
        : `${fault.path} holds versions side by side, not one snapshot`
    case 'LOCKED':
      return `${fault.path} is in use by ${fault.holder}`
    case 'UNSUPPORTED_FILE':
      return `${fault.path} is a ${fault.kind}, which a snapshot cannot hold`
    case 'UNSUPPORTED_VERSION':
      return `${fault.path} has format version ${fault.found}, this program reads ${fault.supported}`
    default:
      return fault satisfies never
  }
}
