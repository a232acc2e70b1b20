import { type Clock, type Random, randomUnit, type Reporter, sleep, Tasks } from '@cairn/runtime'
import { NetworkError } from './errors.ts'
import { REDIAL_MS_MAX, REDIAL_MS_MIN } from './limits.ts'
import type { Address, PeerId, Transport } from './transport.ts'

export type DialerEvent =
  | { readonly type: 'connected'; readonly address: Address; readonly peer: PeerId }
  | { readonly type: 'disconnected'; readonly address: Address; readonly peer: PeerId; readonly retryInMs: number }
  | {
      readonly type: 'dial-failed'
      readonly address: Address
      /** For people; names no secret. */
      readonly reason: string
      /** How many dials in a row have failed. */
      readonly attempt: number
      /** `undefined` when no retry can help, because the address is not one. */
      readonly retryInMs: number | undefined
    }

export interface DialerInit {
  readonly transport: Transport
  readonly addresses: readonly Address[]
  readonly clock: Clock
  readonly random: Random
  readonly reporter: Reporter<DialerEvent>
}

/** Keeps a transport connected to configured peers. */
export interface Dialer {
  /** Ends every dial and every wait; connections stay. */
  stop(): Promise<void>
}

/** Dials every address at once and in parallel, and again, with backoff, whenever the connection fails or is lost. */
export function createDialer(init: DialerInit): Dialer {
  const tasks = new Tasks(() => {})
  for (const address of init.addresses) tasks.spawn(address, (signal) => keepConnected(init, address, signal))
  return { stop: () => tasks.stop() }
}

async function keepConnected(init: DialerInit, address: Address, signal: AbortSignal): Promise<void> {
  const { transport, clock, reporter } = init
  const random = init.random.fork(`dialer ${address}`)
  for (let attempt = 1; ; attempt++) {
    const retryInMs = backoffMs(random, attempt)
    try {
      const peer = await transport.dial(address, { signal })
      const sinceMs = clock.monotonicMs()
      reporter.report({ type: 'connected', address, peer })
      await disconnection(transport, peer, signal)
      reporter.report({ type: 'disconnected', address, peer, retryInMs })
      // A peer that accepts and hangs up at once keeps its backoff.
      if (clock.monotonicMs() - sinceMs >= REDIAL_MS_MAX) attempt = 0
    } catch (error) {
      signal.throwIfAborted()
      const isHopeless = error instanceof NetworkError && (error.fault.code === 'BAD_ADDRESS' || error.fault.code === 'STOPPED')
      reporter.report({ type: 'dial-failed', address, reason: reasonOf(error), attempt, retryInMs: isHopeless ? undefined : retryInMs })
      if (isHopeless) return
    }
    await sleep(clock, retryInMs, signal)
  }
}

/** Doubles from the least to the most; half of it is random, so that peers cut off together do not return together. */
function backoffMs(random: Random, attempt: number): number {
  const fullMs = Math.min(REDIAL_MS_MAX, REDIAL_MS_MIN * 2 ** Math.min(attempt - 1, 30))
  return fullMs * (0.5 + 0.5 * randomUnit(random))
}

function reasonOf(error: unknown): string {
  if (error instanceof NetworkError) return error.fault.code === 'DIAL_FAILED' ? error.fault.reason : error.message
  return error instanceof Error ? error.message : String(error)
}

/** Resolves when `peer` is no longer connected. */
function disconnection(transport: Transport, peer: PeerId, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const end = (settle: () => void): void => {
      unsubscribe()
      signal.removeEventListener('abort', onAbort)
      settle()
    }
    const onAbort = (): void => end(() => reject(signal.reason))
    const unsubscribe = transport.onPeerChange((change) => {
      if (change.type === 'disconnected' && change.peer === peer) end(resolve)
    })
    signal.addEventListener('abort', onAbort, { once: true })
    // It may be gone already: a change between the dial and here was reported to nobody.
    if (!transport.peers().includes(peer)) end(resolve)
  })
}
