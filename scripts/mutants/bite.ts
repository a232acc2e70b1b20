import type { Mutant } from '../../packages/ledger/test/mutation/mutant.ts'
import { HUNT_TIMEOUT_MS, schedulesOf } from './kill.ts'
import { Sandbox, type Schedule } from './sandbox.ts'

/** What one check is worth: the seeds that kill a mutant with it, and whether any does without. */
export interface Bite {
  readonly check: string
  /** `undefined` if the mutant lives all the same. */
  readonly seedsWith: number | undefined
  readonly seedsWithout: number
  /** What else found the mutant. */
  readonly killedBy: string | undefined
}

/** Of each schedule's presets, without the check: many times what it takes with it. */
const SEEDS_WITHOUT = 20

/** Hunts a mutant that one check finds: with that check, and without. */
export async function showBite(
  mutant: Mutant,
  without: readonly Schedule[] = schedulesOf(mutant).map((schedule) => ({ ...schedule, seedsMax: SEEDS_WITHOUT })),
): Promise<Bite> {
  const check = mutant.foundBy
  if (check === undefined) throw new Error(`mutant "${mutant.name}" names no check that finds it`)
  await using sandbox = await Sandbox.create(mutant)
  const found = await sandbox.hunt({ schedules: schedulesOf(mutant), without: [] }, HUNT_TIMEOUT_MS)
  const free = await sandbox.hunt({ schedules: without, without: [check] }, HUNT_TIMEOUT_MS)
  return {
    check,
    seedsWith: found.killed && found.invariant === check ? found.seeds : undefined,
    seedsWithout: free.seeds,
    killedBy: free.invariant,
  }
}
