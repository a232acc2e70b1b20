import { stat } from 'node:fs/promises'
import { matchesGlob } from 'node:path'
import { planSections, type StageClass } from '@cairn/protocol'
import { walkTree, type WalkedEntry } from '@cairn/storage'
import { OriginError } from '../errors.ts'

/** Glob patterns over paths relative to the published directory; the first stage that matches takes a file. */
export interface StagePatterns {
  readonly bootstrap: readonly string[]
  readonly hot: readonly string[]
}

/** A walked entry with the stage that the patterns give it. */
export type StagedEntry = WalkedEntry & { readonly stage: StageClass | undefined }

/** What will be published, in the order in which the manifest lists it. */
export interface PublishPlan {
  readonly sections: Readonly<Record<StageClass, readonly StagedEntry[]>>
  readonly filesCount: number
  readonly bytes: number
}

/**
 * Walks `directory` and decides which stage each file belongs to.
 *
 * @throws {OriginError} `NOT_A_DIRECTORY`; `PATTERN_MATCHES_NOTHING`, since a misspelt pattern would silently make a node
 *   wait for everything
 * @throws {StorageError} `UNSUPPORTED_FILE`
 */
export async function planPublication(directory: string, patterns: StagePatterns): Promise<PublishPlan> {
  const found = await stat(directory).catch(() => undefined)
  if (found?.isDirectory() !== true) throw new OriginError({ code: 'NOT_A_DIRECTORY', path: directory })
  const unmatched = new Set([...patterns.bootstrap, ...patterns.hot])
  const entries: StagedEntry[] = []
  let filesCount = 0
  let bytes = 0
  for await (const entry of walkTree(directory)) {
    const stage = entry.type === 'directory' ? undefined : stageOf(entry.path, patterns, unmatched)
    entries.push({ ...entry, stage })
    if (entry.type !== 'file') continue
    filesCount += 1
    bytes += entry.bytes
  }
  for (const pattern of unmatched) throw new OriginError({ code: 'PATTERN_MATCHES_NOTHING', pattern })
  return { sections: planSections(entries), filesCount, bytes }
}

function stageOf(path: string, { bootstrap, hot }: StagePatterns, unmatched: Set<string>): StageClass | undefined {
  for (const pattern of unmatched) if (matchesGlob(path, pattern)) unmatched.delete(pattern)
  if (bootstrap.some((pattern) => matchesGlob(path, pattern))) return 'bootstrap'
  return hot.some((pattern) => matchesGlob(path, pattern)) ? 'hot' : undefined
}
