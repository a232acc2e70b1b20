import type { EngineState } from '@cairn/ledger'
import type { StatusResponse } from './client/protocol.ts'
import type { EpochChanges } from './epochs/epoch-changes.ts'

/** Where a replica is, and what it is there. */
export function progressOf(
  { epoch, current, final, halted, seat }: EngineState,
  { provenEpoch, removedAfter, wanted }: EpochChanges,
): Omit<StatusResponse, 'height' | 'stateRoot' | 'checkpointHeight' | 'syncs' | 'messages'> {
  return {
    epoch: epoch.number,
    slot: current,
    finalHeight: final.height,
    halted,
    seat: seat ?? null,
    removedAfter: removedAfter ?? null,
    wanted: wanted?.hash ?? null,
    provenEpoch,
  }
}
