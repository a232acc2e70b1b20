import { type Committee, type EngineState, SKIP, ZERO_DIGEST } from '@cairn/ledger'

/** What a read that must be fresh is judged by. */
export interface ReadView {
  readonly epoch: number
  /** Slot of the block that the epoch began from. */
  readonly baseSlot: number
  readonly committee: Committee
  /** Own seat, if there is one. */
  readonly seat: number | undefined
  /** The highest slot in which this seat has voted for a block, or knows a final one. */
  readonly votedSlot: number
  /** The epoch's last block is final, and the next committee has not taken over here. */
  readonly isEnding: boolean
}

export function readViewOf({ epoch, seat, final, slots }: EngineState): ReadView {
  let votedSlot = final.slot
  for (const { slot, own } of slots.values()) {
    const voted = [own.first, own.final, ...own.extras].some((digest) => digest !== undefined && digest !== SKIP)
    if (voted) votedSlot = Math.max(votedSlot, slot)
  }
  const isEnding = final.epoch === epoch.number && final.nextCommittee !== ZERO_DIGEST
  return { epoch: epoch.number, baseSlot: epoch.base.slot, committee: epoch.committee, seat, votedSlot, isEnding }
}
