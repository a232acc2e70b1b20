import type { DialerEvent } from '@cairn/network'
import type { Reporter } from '@cairn/runtime'
import type { SwarmEvent } from './events.ts'

/** Passes a dialler's failures on as events of the participant; connections report themselves. */
export function dialReporter(reporter: Reporter<SwarmEvent>): Reporter<DialerEvent> {
  return {
    report(event) {
      if (event.type !== 'dial-failed') return
      const { address, reason, retryInMs } = event
      reporter.report({ type: 'dial-failed', address, reason, retryInMs: retryInMs ?? null })
    },
  }
}
