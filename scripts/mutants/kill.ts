import { FOCI, type Focus, type LedgerPreset, TRICKS } from '@cairn/simulator'
import type { Mutant } from '../../packages/ledger/test/mutation/mutant.ts'
import { type Hunt, Sandbox, type Schedule } from './sandbox.ts'

const HUNT_PRESETS: readonly LedgerPreset[] = ['cft-3', 'bft-4', 'cft-5', 'bft-7', 'geo-10']
/** Committees that bear a liar. */
const WITH_LIARS: readonly LedgerPreset[] = ['bft-4', 'bft-7', 'geo-10']
/** Of each preset. */
const SEEDS_MAX = 60
/** Of each preset, about what the mutant breaks. */
const FOCUSED_SEEDS_MAX = 20
export const HUNT_TIMEOUT_MS = 600_000

export interface Kill extends Hunt {
  readonly by: 'seeds' | 'hand' | 'nobody'
}

/** The schedules that must show `mutant`: first those made for it. */
export function schedulesOf({ name, focus: wanted }: Mutant): readonly Schedule[] {
  const focus: Focus | undefined = FOCI.find((each) => each === wanted)
  if (focus !== wanted) throw new Error(`mutant "${name}": no run is about ${wanted}`)
  const any: Schedule = { presets: HUNT_PRESETS, seedsMax: SEEDS_MAX }
  if (focus === undefined) return [any]
  const isLie = (TRICKS as readonly Focus[]).includes(focus)
  return [{ focus, presets: isLie ? WITH_LIARS : HUNT_PRESETS, seedsMax: FOCUSED_SEEDS_MAX }, any]
}

/** Looks for a seed that shows the mutant, then whether a schedule written by hand does. */
export async function kill(mutant: Mutant): Promise<Kill> {
  await using sandbox = await Sandbox.create(mutant)
  const hunt = await sandbox.hunt({ schedules: schedulesOf(mutant), without: [] }, HUNT_TIMEOUT_MS)
  if (hunt.killed) return { ...hunt, by: 'seeds' }
  return { ...hunt, by: (await sandbox.failsByHand(HUNT_TIMEOUT_MS)) ? 'hand' : 'nobody' }
}
