/** Why a checkpoint, an epoch record or a chain of them is not believed. `what` names the statement; epochs and slots are numbers. */
export type LightFault =
  /** A signature that its seat did not make over this statement of this ledger. */
  | { readonly code: 'FORGED'; readonly what: string; readonly seat: number }
  | { readonly code: 'TOO_FEW_SIGNERS'; readonly what: string; readonly found: number; readonly wanted: number }
  /** Signers enough, but too few of them hold what they signed for. */
  | { readonly code: 'TOO_FEW_HOLDERS'; readonly what: string; readonly found: number; readonly wanted: number }
  | { readonly code: 'WRONG_CHAIN'; readonly what: string }
  | { readonly code: 'WRONG_EPOCH'; readonly what: string; readonly found: number; readonly wanted: number }
  | { readonly code: 'WRONG_COMMITTEE'; readonly what: string; readonly found: string; readonly wanted: string }
  /** The change of committee that was handed over is not the one that was signed, or is no change of this committee. */
  | { readonly code: 'WRONG_DELTA'; readonly epoch: number; readonly reason: string }
  /** A new seat that did not say that it is ready: it may not exist, or not have the state. */
  | { readonly code: 'NOT_READY'; readonly epoch: number; readonly seat: number }
  /** Milliseconds since 1970. */
  | { readonly code: 'TRUST_EXPIRED'; readonly notAfter: number; readonly now: number }
  | { readonly code: 'WRONG_TRUSTED_CHECKPOINT'; readonly found: string; readonly wanted: string }
  /** The newest checkpoint is not newer than what is trusted already, or its history is another. */
  | { readonly code: 'HISTORY_REWRITTEN'; readonly reason: string }
  | { readonly code: 'BAD_NOTE'; readonly reason: string }

export function isLightFault(fault: { readonly code: string }): fault is LightFault {
  return LIGHT_CODES.has(fault.code)
}

const LIGHT_CODES: ReadonlySet<string> = new Set<LightFault['code']>([
  'FORGED',
  'TOO_FEW_SIGNERS',
  'TOO_FEW_HOLDERS',
  'WRONG_CHAIN',
  'WRONG_EPOCH',
  'WRONG_COMMITTEE',
  'WRONG_DELTA',
  'NOT_READY',
  'TRUST_EXPIRED',
  'WRONG_TRUSTED_CHECKPOINT',
  'HISTORY_REWRITTEN',
  'BAD_NOTE',
])

export function describeLightFault(fault: LightFault): string {
  switch (fault.code) {
    case 'FORGED':
      return `${fault.what}: seat ${fault.seat} did not sign it`
    case 'TOO_FEW_SIGNERS':
      return `${fault.what}: ${fault.found} seats signed, ${fault.wanted} must`
    case 'TOO_FEW_HOLDERS':
      return `${fault.what}: ${fault.found} of its signers hold payloads, ${fault.wanted} must`
    case 'WRONG_CHAIN':
      return `${fault.what} is of another ledger`
    case 'WRONG_EPOCH':
      return `${fault.what} is of epoch ${fault.found}, not ${fault.wanted}`
    case 'WRONG_COMMITTEE':
      return `${fault.what} names committee ${fault.found}, not ${fault.wanted}`
    case 'WRONG_DELTA':
      return `the committee after epoch ${fault.epoch} is not the one that was signed: ${fault.reason}`
    case 'NOT_READY':
      return `seat ${fault.seat} joins after epoch ${fault.epoch} and did not say that it is ready`
    case 'TRUST_EXPIRED':
      return `the trust root may be used until ${instantText(fault.notAfter)}, it is ${instantText(fault.now)}`
    case 'WRONG_TRUSTED_CHECKPOINT':
      return `checkpoint ${fault.found} is not the trusted one, ${fault.wanted}`
    case 'HISTORY_REWRITTEN':
      return `the newest checkpoint does not continue the trusted one: ${fault.reason}`
    case 'BAD_NOTE':
      return `not a signed note that can be believed: ${fault.reason}`
    default:
      return fault satisfies never
  }
}

function instantText(instant: number): string {
  // A clock may say anything; an error about it must still be printable.
  return Math.abs(instant) <= 8.64e15 ? new Date(instant).toISOString() : `${instant} ms`
}
