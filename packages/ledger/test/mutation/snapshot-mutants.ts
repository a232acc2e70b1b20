import { mutant, type Mutant } from './mutant.ts'

const about = { focus: 'snapshots' } as const

/** Ways to get wrong what a log forgets, and how a state takes the place of blocks. */
export const SNAPSHOTS: readonly Mutant[] = [
  mutant(
    'S4',
    'a state makes a seat forget what it said in later slots',
    'engine/install.ts',
    'if (number > point.slot) continue\n',
    '',
    about,
  ),
  mutant('S21', 'operations that a state remembers are proposed again', 'engine/install.ts', 'pool.recent.add(id)\n', 'void id\n', about),
  mutant(
    'S21',
    'operations that wait are proposed although a state remembers them',
    'engine/install.ts',
    'filter(({ id }) => pool.recent.has(id))',
    'filter(({ id }) => id.length === 0)',
    about,
  ),
  mutant(
    'L2',
    'a state of a later epoch leaves the seat in its own',
    'engine/install.ts',
    'if (start.number > state.epoch.number) {',
    'if (start.number > state.epoch.number + 1000) {',
    about,
  ),
  mutant('S11', 'blocks that a state has are applied again', 'engine/install.ts', 'state.applyNext = point.height + 1\n', '', about),
  mutant(
    'S13',
    'a log forgets what its seat said in slots that are open',
    'log/log-marks.ts',
    'if (each > slot) needed = Math.min(needed, seq)',
    'if (each > slot + 2) needed = Math.min(needed, seq)',
    { ...about, package: 'replica' },
  ),
  mutant(
    'R1',
    'a log forgets next committees that blocks name',
    'engine/named-committees.ts',
    'return state.named.flatMap((committee) => recordsOf(state, committee))',
    'return state.named.slice(0, 0).flatMap((committee) => recordsOf(state, committee))',
  ),
  mutant(
    'S10',
    'a restart does not begin where its log was forgotten',
    'engine/recover.ts',
    'floor !== undefined && floor.height > state.final.height',
    'floor !== undefined && floor.height < state.final.height',
    about,
  ),
]
