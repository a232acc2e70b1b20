import { type Clock, type Reporter, sleep } from '@cairn/runtime'
import type { JoinedTarget } from '@cairn/storage'
import { type Participant, SwarmError, type TrustKeeper } from '@cairn/swarm'
import { checkFreshness, type Release, releases, resolveRelease, type Selector, TrustError } from '@cairn/trust'
import type { NodeEvent } from './events.ts'
import { CONNECT_INTERVAL_MS, REFRESH_INTERVAL_MS, REFUSED_GRACE_MS } from './limits.ts'
import type { WaitReason } from './wait-reason.ts'

export interface ChooseReleaseInit {
  readonly selector: Selector
  readonly keeper: TrustKeeper
  readonly participant: Participant
  readonly peersCount: () => number
  /** What an earlier run began in the same directory. */
  readonly begun: JoinedTarget | undefined
  readonly patienceMs: number | undefined
  readonly signal: AbortSignal
  readonly clock: Clock
  readonly reporter: Reporter<NodeEvent>
}

/**
 * Waits for metadata that verifies and picks the release to join.
 *
 * A join that was interrupted goes on with the version it began, as long as that is still vouched for and no height was
 * asked for: a target that moves must not start it from zero.
 *
 * @throws {TrustError} when no peer's metadata is acceptable, or names no such release
 * @throws {SwarmError} `NO_SOURCE` when nobody answers within `patienceMs`
 */
export async function chooseRelease(init: ChooseReleaseInit): Promise<Release> {
  await refreshUntilTrusted(init)
  const { selector, keeper, begun, reporter } = init
  const wanted = resolveRelease(keeper.state, selector)
  const started = releases(keeper.state, selector.ledger).find((release) => begun?.snapshot.equals(release.manifest))
  if (started === undefined || started.height === wanted.height || selector.height !== undefined || begun?.complete !== false) return wanted
  reporter.report({ type: 'newer-release', ledger: wanted.ledger, height: wanted.height, joining: started.height })
  return started
}

async function refreshUntilTrusted(init: ChooseReleaseInit): Promise<void> {
  const { selector, keeper, participant, peersCount, clock, reporter, signal, patienceMs } = init
  const startedMs = clock.monotonicMs()
  let refusedSinceMs: number | undefined
  let waitingFor: WaitReason | undefined
  for (;;) {
    signal.throwIfAborted()
    const reason = peersCount() > 0 ? 'metadata' : 'connecting'
    if (reason !== waitingFor) reporter.report({ type: 'waiting', reason })
    waitingFor = reason
    const outcome = await keeper.refresh(participant, [selector.ledger])
    const nowMs = clock.monotonicMs()
    if (outcome.type === 'refreshed') return
    if (outcome.type === 'refused') {
      refusedSinceMs ??= nowMs
      // Others under the same root know the same ledgers; any other refusal may be this peer's alone.
      if (outcome.error.fault.code === 'UNKNOWN_LEDGER' || nowMs - refusedSinceMs >= REFUSED_GRACE_MS) throw outcome.error
    } else if (peersCount() > 0 && isStillFresh(keeper, selector, clock)) {
      return
    }
    if (patienceMs !== undefined && nowMs - startedMs >= patienceMs) {
      const reason = peersCount() === 0 ? 'no-source' : 'no-source-has-it'
      throw new SwarmError({ code: 'NO_SOURCE', what: `metadata of ${selector.ledger}`, reason, waitedMs: patienceMs })
    }
    await sleep(clock, peersCount() === 0 ? CONNECT_INTERVAL_MS : REFRESH_INTERVAL_MS, signal)
  }
}

/** What was accepted before still holds, so peers that have chunks and no metadata are good enough. */
function isStillFresh(keeper: TrustKeeper, { ledger }: Selector, clock: Clock): boolean {
  try {
    checkFreshness(keeper.state, clock.now())
    return releases(keeper.state, ledger).length > 0
  } catch (error) {
    if (error instanceof TrustError) return false
    throw error
  }
}
