import {
  type Committee,
  type CommitteeSize,
  createCommittee,
  fullSeatsMin,
  type Member,
  PRESETS,
  type PresetName,
  type Role,
} from '@cairn/ledger'
import { Dice } from '../kernel/dice.ts'
import type { Random } from '@cairn/runtime'

/** What goes wrong in one run. Every number is drawn from the seed; a zero means that this fault is not part of it. */
export interface Plan {
  readonly size: CommitteeSize
  readonly roles: readonly Role[]
  /** Indices of nodes; node i starts in seat i, further ones start without a seat. */
  readonly nodesCount: number
  readonly byzantine: readonly number[]
  readonly tricks: ReadonlySet<Trick>
  /** Per mille of messages. */
  readonly loss: number
  readonly duplication: number
  readonly delayMsMin: number
  readonly delayMsMax: number
  /** What single directed links add to that at most. */
  readonly farMsMax: number
  /** Per mille of messages that take up to `straggleMs` longer, so that they are overtaken. */
  readonly straggling: number
  readonly straggleMs: number
  /** Bytes per millisecond of each directed link, and bytes that may queue on it. */
  readonly bandwidth: number
  readonly queueBytesMax: number
  /** Messages of this kind are lost on some links. */
  readonly deafTo: string | undefined
  /** Mean time between partitions, crashes, pauses, in ms. */
  readonly partitionEveryMs: number
  readonly crashEveryMs: number
  readonly pauseEveryMs: number
  /** Mean time between moments at which logs forget blocks, so that whoever lacks them needs a state. */
  readonly pruneEveryMs: number
  readonly syncMsMax: number
  /** Per mille of syncs that fail, that find the disk full, and that are slow. */
  readonly syncFailure: number
  readonly diskFull: number
  readonly slowSync: number
  /** Per mille of crashes after which the log is damaged before its end, and after which payloads cannot be read that others still have. */
  readonly damage: number
  readonly rot: number
  readonly clockSkewMs: number
  readonly validationMsMax: number
  readonly invalidOperations: number
  readonly operationEveryMs: number
  readonly reconfigureAtMs: readonly number[]
  /** Per mille of replicas that their operators forget to tell of the next committee: they must learn of it from the others. */
  readonly untold: number
  readonly safetyMs: number
  readonly termSlots: number
}

/** What a seat under the adversary may do besides keeping the rules. */
export type Trick = (typeof TRICKS)[number]
export const TRICKS = [
  'equivocate',
  'double-first',
  'final-and-extra',
  'withhold',
  'hide-certificates',
  'twins',
  'flood-stale',
  'replay',
  'lie-in-sync',
  'vote-for-all',
  'forget',
  'forge-votes',
  'forge-certificates',
  'bad-headers',
  'fork',
  'orphan',
  'relabel',
  'other-chain',
] as const

export function makePlan(preset: PresetName, random: Random): Plan {
  const dice = new Dice(random.fork('plan'))
  const size = PRESETS[preset]
  const on = (permille: number, value: number): number => (dice.chance(permille) ? value : 0)
  const byzantineCount = size.f > 0 && dice.chance(750) ? size.f : 0
  const seats = Array.from({ length: size.n }, (_, seat) => seat)
  const byzantine = dice.some(seats, byzantineCount)
  const tricks = new Set(dice.some(TRICKS, dice.between(1, 6)))
  const delayMsMin = dice.between(1, 10)
  return {
    size,
    roles: drawRoles(size, dice),
    nodesCount: size.n + (dice.chance(300) ? 1 : 0),
    byzantine,
    tricks,
    loss: on(400, dice.between(5, 250)),
    duplication: on(300, dice.between(5, 200)),
    delayMsMin,
    delayMsMax: delayMsMin + dice.between(1, dice.chance(300) ? 300 : 20),
    farMsMax: on(300, dice.between(1, 60)),
    straggling: on(400, dice.between(10, 200)),
    straggleMs: dice.between(50, 1500),
    bandwidth: on(150, dice.between(5, 100)),
    queueBytesMax: dice.between(2000, 50_000),
    deafTo: dice.chance(150) ? dice.pick(['proposal', 'payload', 'vote', 'certificate', 'batch', 'fetch']) : undefined,
    partitionEveryMs: on(350, dice.between(300, 3000)),
    crashEveryMs: on(450, dice.between(200, 3000)),
    pauseEveryMs: on(250, dice.between(300, 3000)),
    syncMsMax: dice.between(0, dice.chance(200) ? 60 : 5),
    syncFailure: on(150, dice.between(1, 30)),
    diskFull: on(100, dice.between(1, 10)),
    slowSync: on(200, dice.between(5, 100)),
    damage: on(200, 300),
    rot: on(200, 300),
    clockSkewMs: on(200, dice.between(1, 400)),
    validationMsMax: on(300, dice.between(1, 30)),
    invalidOperations: on(150, 50),
    operationEveryMs: dice.between(5, dice.chance(200) ? 2000 : 80),
    reconfigureAtMs: dice.chance(350) ? [dice.between(100, 2000), ...(dice.chance(400) ? [dice.between(2000, 4000)] : [])] : [],
    untold: 150,
    safetyMs: dice.between(1500, 4500),
    termSlots: dice.pick([1, 2, 4, 16]),
    pruneEveryMs: on(300, dice.between(200, 1500)),
  }
}

/** Some committees have witnesses, as many as leave 2(f+c)+1 payload holders and the full seats that there must be. */
function drawRoles(size: CommitteeSize, dice: Dice): Role[] {
  const { n, f, c } = size
  const roles: Role[] = Array.from({ length: n }, () => 'full')
  if (!dice.chance(400)) return roles
  const witnesses = n - (2 * (f + c) + 1)
  // As many as may be is where a quorum can have too few holders.
  const count = dice.chance(600) ? witnesses : dice.below(witnesses + 1)
  for (const seat of dice.some([...roles.keys()], count)) roles[seat] = 'vote-witness'
  // At least f+c+1 seats with a state, or the crash of all that have one would be nobody's fault.
  const full = [...roles.keys()].filter((seat) => roles[seat] === 'full')
  const spare = full.length - Math.max(f + c + 1, fullSeatsMin(size))
  for (const seat of dice.some(full, dice.below(Math.max(1, spare + 1)))) roles[seat] = 'log-witness'
  return roles
}

export function committeeOf(size: CommitteeSize, members: readonly Member[]): Committee {
  return createCommittee(size, members)
}
