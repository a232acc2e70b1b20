import type { RefuseCode } from '@cairn/protocol'
import type { RefusalCode } from '@cairn/scheduler'

/** What the scheduler makes of a peer's refusal. */
export function refusalCode(code: RefuseCode): RefusalCode {
  switch (code) {
    case 'NOT_FOUND':
      return 'not-found'
    case 'BUSY':
    case 'TOO_MANY':
      return 'busy'
    case 'CANCELLED':
      return 'cancelled'
    case 'INTERNAL':
      return 'internal'
    default:
      return code satisfies never
  }
}
