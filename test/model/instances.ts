/** What a run of one instance of the model takes, and what it must show. */
export interface Instance {
  readonly file: 'slot.qnt' | 'chain.qnt'
  /** The module with the preset's numbers. */
  readonly main: string
  readonly preset: string
  /** Traces enough to reach every witness, the rarest of which one trace in some 300 does. */
  readonly samples: number
  /** More than any trace takes: each ends when nobody may do anything. */
  readonly stepsMax: number
  /** What must be reachable, so that the invariants speak of something. */
  readonly witnesses: readonly string[]
}

const SLOT_WITNESSES = [
  'sawFast',
  'sawFinal',
  'sawSkip',
  'sawBoth',
  'sawFinalAfterSplit',
  'sawNotarByExtra',
  'sawSkipByExtra',
  'sawTwoNotars',
  'sawNotarAndSkip',
]
const WITH_LIARS = ['sawFastAfterLie']
/** The fast path bears honest seats that first-voted otherwise only for p > 0. */
const WITH_ABSENT = ['sawFastAfterSplit']
const WITH_CRASHES = ['sawStop']
const CHAIN_WITNESSES = ['sawChild', 'sawGap', 'sawAncestor', 'sawBranches', 'sawTwoFinals', 'sawSkippedNotar']

export const INSTANCES: readonly Instance[] = [
  slot('cft3', 300, [...SLOT_WITNESSES, ...WITH_CRASHES]),
  slot('cft5', 1000, [...SLOT_WITNESSES, ...WITH_CRASHES, ...WITH_ABSENT]),
  slot('bft4', 300, [...SLOT_WITNESSES, ...WITH_LIARS]),
  slot('bft7', 1000, [...SLOT_WITNESSES, ...WITH_LIARS, ...WITH_CRASHES, ...WITH_ABSENT]),
  slot('geo10', 2000, [...SLOT_WITNESSES, ...WITH_LIARS, ...WITH_CRASHES, ...WITH_ABSENT]),
  chain('cft3', 100),
  chain('bft4', 100),
  chain('bft7', 300),
]

function slot(preset: string, samples: number, witnesses: readonly string[]): Instance {
  return { file: 'slot.qnt', main: `slot_${preset}`, preset, samples, stepsMax: 60, witnesses }
}

function chain(preset: string, samples: number): Instance {
  return { file: 'chain.qnt', main: `chain_${preset}`, preset, samples, stepsMax: 80, witnesses: CHAIN_WITNESSES }
}
