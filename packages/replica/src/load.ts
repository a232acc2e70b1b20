import { type EngineState, type PeerId, sizesOf } from '@cairn/ledger'
import type { LinksLoad } from './peer-links.ts'

/** Where a replica is, and what waits in it, at one moment. */
export interface ReplicaLoad {
  readonly epoch: number
  readonly slot: number
  /** Seat in the epoch; `undefined` for one that only follows. */
  readonly seat: number | undefined
  readonly finalHeight: number
  readonly appliedHeight: number
  /** 0 while no checkpoint is certified. */
  readonly checkpointHeight: number
  /** Age of the newest final block, by its leader's clock and this one's. */
  readonly finalAgeMs: number
  readonly isHalted: boolean
  /** Operations that wait to be proposed here or by whoever leads. */
  readonly poolOperations: number
  readonly poolBytes: number
  /** Operations whose signatures wait for a thread. */
  readonly operationsUnchecked: number
  readonly clientsWaiting: number
  /** Readers that wait until what is applied here is fresh. */
  readonly readersWaiting: number
  /** Messages that wait until what they say is durable. */
  readonly sendsHeld: number
  /** Final blocks that are not in the state's file yet: what makes them final is not durable, or more of them are to go there together. */
  readonly blocksUnapplied: number
  readonly links: LinksLoad
  /** Things in memory, by what they are: none of them grows with the height. */
  readonly held: Readonly<Record<string, number>>
  readonly seats: readonly SeatLag[]
}

type LoadOutsideEngine = Pick<
  ReplicaLoad,
  | 'appliedHeight'
  | 'checkpointHeight'
  | 'operationsUnchecked'
  | 'clientsWaiting'
  | 'readersWaiting'
  | 'sendsHeld'
  | 'blocksUnapplied'
  | 'links'
  | 'held'
>

export interface SeatLag {
  readonly seat: number
  readonly peer: PeerId
  readonly isSelf: boolean
  /** Slots since the seat was last heard of, 0 for this one itself. */
  readonly behindSlots: number
}

export interface LoadReadiness {
  readonly ready: boolean
  readonly reason: string
}

/**
 * A healthy ledger makes a block final every two seconds at least, empty where there is nothing to do. This allows for some leaders given up
 * on, and for clocks that differ by as much as voters accept.
 */
export const FINAL_AGE_MS_MAX = 15_000
/** Final blocks that may wait to be applied: as many as are asked for ahead of one another, four times. */
export const UNAPPLIED_HEIGHTS_MAX = 64

/** Ready: it takes part or follows, and what it answers is fresh. */
export function readinessOf({ isHalted, finalHeight, appliedHeight, finalAgeMs }: ReplicaLoad): LoadReadiness {
  if (isHalted) return { ready: false, reason: 'final blocks contradict each other: this replica has stopped, and a person must look' }
  if (finalHeight - appliedHeight > UNAPPLIED_HEIGHTS_MAX)
    return { ready: false, reason: `it applies height ${appliedHeight} of ${finalHeight} final ones` }
  if (finalHeight === 0) return { ready: false, reason: 'nothing has become final yet' }
  if (finalAgeMs > FINAL_AGE_MS_MAX)
    return { ready: false, reason: `the newest final block here, height ${finalHeight}, is ${Math.round(finalAgeMs / 1000)} s old` }
  return { ready: true, reason: `it serves height ${appliedHeight}` }
}

/** What the engine knows, and `rest` that it does not. */
export function loadOf(state: EngineState, now: number, rest: LoadOutsideEngine): ReplicaLoad {
  const { epoch, current, final, halted, pool, seat } = state
  return {
    ...rest,
    held: { ...sizesOf(state), ...rest.held },
    epoch: epoch.number,
    slot: current,
    seat,
    finalHeight: final.height,
    finalAgeMs: Math.max(0, now - final.time),
    isHalted: halted,
    poolOperations: pool.own.length + pool.foreign.length,
    poolBytes: pool.bytesCount,
    seats: seatLags(state),
  }
}

function seatLags({ epoch, seat: own, current, lastActive }: EngineState): readonly SeatLag[] {
  return epoch.committee.members.map(({ peer }, seat) => ({
    seat,
    peer,
    isSelf: seat === own,
    behindSlots: seat === own ? 0 : Math.max(0, current - (lastActive[seat] ?? epoch.base.slot)),
  }))
}
