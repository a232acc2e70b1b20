import type { ProtocolError } from '../errors.ts'
import { malformed } from './fields.ts'
import { comparePaths, encodePath, encodeTarget, parentPath, quote } from './paths.ts'
import { type EntryHeader, MODE_MAX, STAGES, type StageClass } from './types.ts'

/**
 * What makes a list of entries a tree that can be placed from left to right:
 * 1. within a section paths ascend strictly, bytewise;
 * 2. no path is in two sections;
 * 3. the parent of every entry is a directory listed before it, in its section or an earlier one,
 *    so nothing is ever placed through a link or below a file.
 */
export class TreeRules {
  readonly #directories = new Set<string>()
  /** Files and links of the sections before the last; within a section the order rules out repeats. */
  readonly #others = new Set<string>()
  #stage: StageClass = STAGES[0]
  #previous: string | undefined

  /** @throws {ProtocolError} `MALFORMED` if `stage` comes before the current one */
  enter(stage: StageClass): void {
    if (stage === this.#stage) return
    if (STAGES.indexOf(stage) < STAGES.indexOf(this.#stage)) throw malformed('sections', `${stage} after ${this.#stage}`)
    this.#stage = stage
    this.#previous = undefined
  }

  /** @throws {ProtocolError} `MALFORMED` with the path and the rule it breaks */
  add(entry: EntryHeader): void {
    const { path } = entry
    encodePath(path)
    if (entry.type === 'symlink') encodeTarget(entry.target)
    else if (!Number.isInteger(entry.mode) || entry.mode < 0 || entry.mode > MODE_MAX) throw malformedEntry(path, `mode ${entry.mode}`)
    if (this.#previous !== undefined && comparePaths(this.#previous, path) >= 0) {
      throw malformedEntry(path, `listed after ${quote(this.#previous)}`)
    }
    if (this.#directories.has(path) || this.#others.has(path)) throw malformedEntry(path, 'listed twice')
    const parent = parentPath(path)
    if (parent !== undefined && !this.#directories.has(parent)) throw malformedEntry(path, 'its parent is not a directory listed before it')
    this.#previous = path
    if (entry.type === 'directory') this.#directories.add(path)
    else if (this.#stage !== STAGES.at(-1)) this.#others.add(path)
  }
}

function malformedEntry(path: string, reason: string): ProtocolError {
  return malformed(`entry ${quote(path)}`, reason)
}
