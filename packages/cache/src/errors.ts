/** Why a snapshot cannot be mirrored. */
export type CacheFault =
  /** The signed release and the manifest it names disagree: the publisher's mistake or a stolen key. */
  | {
      readonly code: 'MANIFEST_MISMATCH'
      readonly snapshot: string
      readonly what: string
      readonly found: string
      readonly wanted: string
    }
  /** A block would take the store above its capacity. */
  | { readonly code: 'OVER_CAPACITY'; readonly bytes: number; readonly capacityBytes: number }
  /** A manifest page is neither in the store nor to be had. */
  | { readonly code: 'PAGE_LOST'; readonly snapshot: string; readonly page: string }

export class CacheError extends Error {
  override readonly name = 'CacheError'
  readonly fault: CacheFault

  constructor(fault: CacheFault, options?: { readonly cause?: unknown }) {
    super(describe(fault), options)
    this.fault = fault
  }
}

function describe(fault: CacheFault): string {
  switch (fault.code) {
    case 'MANIFEST_MISMATCH':
      return `the manifest of ${fault.snapshot} is of ${fault.what} ${fault.found}, the release says ${fault.wanted}`
    case 'OVER_CAPACITY':
      return `${fault.bytes} bytes are one block more than the capacity of ${fault.capacityBytes} bytes holds`
    case 'PAGE_LOST':
      return `manifest page ${fault.page} of ${fault.snapshot} is not in the store`
    default:
      return fault satisfies never
  }
}
