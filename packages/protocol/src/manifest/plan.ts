import { comparePaths, parentPath } from './paths.ts'
import { STAGES, type StageClass } from './types.ts'

/** What the plan looks at; callers pass richer entries and get the same objects back. */
export interface PlannedEntry {
  readonly type: 'file' | 'directory' | 'symlink'
  readonly path: string
  /** Wanted stage; files without one are `bulk`. Directories and links need none. */
  readonly stage?: StageClass | undefined
}

/**
 * The order in which `ManifestBuilder` takes the entries of a walked tree, per stage; independent of the order of the walk.
 *
 * - A file goes where it says.
 * - A directory goes into the earliest stage that anything below it goes into.
 * - What nothing decides for (links, empty directories) comes along with the directory it is in.
 */
export function planSections<T extends PlannedEntry>(entries: readonly T[]): Readonly<Record<StageClass, readonly T[]>> {
  const directories = directoryStages(entries)
  const sections: Record<StageClass, T[]> = { bootstrap: [], hot: [], bulk: [] }
  for (const entry of entries.toSorted((a, b) => comparePaths(a.path, b.path))) sections[stageOf(entry, directories)].push(entry)
  return sections
}

/** The key of the directory that holds the snapshot itself: no entry has this path. */
const TOP = ''

/** The earliest stage that is asked for below each directory, and for it. */
function directoryStages(entries: readonly PlannedEntry[]): ReadonlyMap<string, StageClass> {
  const stages = new Map<string, StageClass>([[TOP, 'bulk']])
  for (const entry of entries) {
    const stage = entry.stage ?? (entry.type === 'file' ? 'bulk' : undefined)
    if (stage === undefined) continue
    // A directory that is as early already has ancestors that are: every directory is lifted twice at most.
    for (
      let path = entry.type === 'directory' ? entry.path : directoryOf(entry.path);
      isEarlier(stage, stages.get(path));
      path = directoryOf(path)
    ) {
      stages.set(path, stage)
    }
  }
  return stages
}

function stageOf(entry: PlannedEntry, directories: ReadonlyMap<string, StageClass>): StageClass {
  if (entry.type === 'file') return entry.stage ?? 'bulk'
  if (entry.type === 'symlink' && entry.stage !== undefined) return entry.stage
  for (let path = entry.type === 'directory' ? entry.path : directoryOf(entry.path); ; path = directoryOf(path)) {
    const stage = directories.get(path)
    if (stage !== undefined) return stage
  }
}

function directoryOf(path: string): string {
  return parentPath(path) ?? TOP
}

function isEarlier(stage: StageClass, than: StageClass | undefined): boolean {
  return than === undefined || STAGES.indexOf(stage) < STAGES.indexOf(than)
}
