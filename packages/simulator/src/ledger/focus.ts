import type { Plan, Trick } from './plan.ts'
import { TRICKS } from './plan.ts'

/** What a run is about, if it is not the seed that says so: a mistake that few seeds show is looked for where it must show. */
export type Focus = Trick | 'crashes' | 'disks' | 'epochs' | 'payloads' | 'snapshots' | 'splits' | 'stalls'

const QUIET: Partial<Plan> = {
  loss: 0,
  duplication: 0,
  straggling: 0,
  bandwidth: 0,
  deafTo: undefined,
  partitionEveryMs: 0,
  pauseEveryMs: 0,
}

/** Lies that need an epoch before. */
const ACROSS_EPOCHS: readonly Focus[] = ['replay', 'relabel', 'twins', 'lie-in-sync']

/** Faults of one kind and often, and few others. */
const FAULTS: Readonly<Record<Exclude<Focus, Trick>, Partial<Plan>>> = {
  crashes: { ...QUIET, crashEveryMs: 150, syncMsMax: 30, validationMsMax: 30, operationEveryMs: 10 },
  disks: { ...QUIET, crashEveryMs: 200, syncMsMax: 20, syncFailure: 5, diskFull: 5, damage: 600, rot: 300, operationEveryMs: 10 },
  epochs: {
    ...QUIET,
    straggling: 150,
    straggleMs: 300,
    reconfigureAtMs: [200, 700, 1300, 2000],
    untold: 300,
    crashEveryMs: 600,
    operationEveryMs: 10,
  },
  payloads: {
    ...QUIET,
    loss: 60,
    crashEveryMs: 250,
    rot: 500,
    damage: 300,
    invalidOperations: 100,
    validationMsMax: 30,
    operationEveryMs: 5,
  },
  snapshots: {
    ...QUIET,
    pruneEveryMs: 250,
    crashEveryMs: 500,
    reconfigureAtMs: [200, 700, 1300, 2000],
    syncMsMax: 20,
    operationEveryMs: 10,
  },
  splits: { partitionEveryMs: 250, pauseEveryMs: 400, loss: 100, straggling: 100, straggleMs: 600, delayMsMax: 200, operationEveryMs: 10 },
  stalls: { loss: 400, partitionEveryMs: 200, operationEveryMs: 200 },
}

export const FOCI: readonly Focus[] = [...TRICKS, ...(Object.keys(FAULTS) as Exclude<Focus, Trick>[])]

/** The seed's plan with the faults that `focus` names. A trick needs an adversary, so a committee that bears none keeps its plan. */
export function focused(plan: Plan, focus: Focus | undefined): Plan {
  if (focus === undefined) return plan
  if (isFault(focus)) return { ...plan, ...FAULTS[focus] }
  if (plan.size.f === 0) return plan
  // Leaders by turns of several slots: a liar that has the slot before can do more.
  return {
    ...plan,
    ...QUIET,
    byzantine: plan.byzantine.length > 0 ? plan.byzantine : [0],
    tricks: new Set([focus]),
    termSlots: 4,
    operationEveryMs: 10,
    reconfigureAtMs: ACROSS_EPOCHS.includes(focus) ? [150, 500, 900, 1300] : plan.reconfigureAtMs,
  }
}

function isFault(focus: Focus): focus is Exclude<Focus, Trick> {
  return focus in FAULTS
}
