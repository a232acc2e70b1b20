import { rename } from 'node:fs/promises'
import { join } from 'node:path'
import type { CID, SnapshotIndex } from '@cairn/protocol'
import {
  assertNoForeignFiles,
  type BlockSource,
  inspectTarget,
  type JoinedTarget,
  nextPath,
  pendingSwitch,
  removeTree,
  type ReuseDirectory,
  STATE_DIRECTORY,
  switchTree,
} from '@cairn/storage'
import { loadManifest } from '@cairn/swarm'

/** Where the files of a release go, given what the directory holds. */
export interface UpdateTarget {
  /** Where they are placed: the directory itself, or, if that holds another version, a directory in its `.cairn`. */
  readonly path: string
  /** The version to be exchanged for the new one; `undefined` if there is none. */
  readonly from: SnapshotIndex | undefined
  /** What is here already, the most promising first. */
  readonly directories: readonly ReuseDirectory[]
}

/** What an earlier run began in `into`: the next version, if it was under way. @throws {StorageError} as `inspectTarget` */
export async function inspectBegun(into: string): Promise<JoinedTarget | undefined> {
  const next = await inspectTarget(nextPath(into))
  return next === undefined ? inspectTarget(into) : { ...next, complete: false }
}

/**
 * Ends the exchange of one version for another that a run before this one had begun.
 *
 * @throws {StorageError} `CORRUPT` if the list of either version is lost; `IO_FAILED`
 */
export async function resumeSwitch(into: string, pages: BlockSource): Promise<void> {
  const pending = await pendingSwitch(into)
  if (pending !== undefined) await switchTree(into, await loadManifest(pending.from, pages), await loadManifest(pending.to, pages))
}

export type LoadManifest = (snapshot: CID) => Promise<SnapshotIndex>

/** Loads manifests out of `pages`, and that of `ahead` at once: what a directory holds is known before there is anybody to ask for more. */
export function manifestsOf(pages: BlockSource, ahead: CID | undefined): LoadManifest {
  const early = ahead === undefined ? undefined : loadManifest(ahead, pages)
  early?.catch(() => {}) // whoever needs it hears of it
  return async (snapshot) => (early !== undefined && ahead?.equals(snapshot) === true ? early : loadManifest(snapshot, pages))
}

/**
 * Decides where `index` goes. What is left of a version that was begun and is no longer wanted becomes a source of chunks.
 *
 * @throws {StorageError} `FOREIGN_FILES` if the directory holds another version, and files that are not of it
 */
export async function updateTarget(into: string, index: SnapshotIndex, load: LoadManifest): Promise<UpdateTarget> {
  const begun = await inspectTarget(nextPath(into))
  if (begun !== undefined && !begun.snapshot.equals(index.cid)) {
    await removeTree(leftPath(into))
    await rename(nextPath(into), leftPath(into))
  }
  const left = await inspectTarget(leftPath(into))
  const leftovers: readonly ReuseDirectory[] =
    left === undefined ? [] : [{ root: leftPath(into), index: await load(left.snapshot), methods: ['clone'] }]
  const held = await inspectTarget(into)
  if (held === undefined || held.snapshot.equals(index.cid)) return { path: into, from: undefined, directories: leftovers }
  const from = await load(held.snapshot)
  await assertNoForeignFiles(into, from)
  return { path: nextPath(into), from, directories: [{ root: into, index: from, methods: ['link', 'clone'] }, ...leftovers] }
}

/** Removes what a join that is complete no longer needs. */
export async function forgetLeftovers(into: string): Promise<void> {
  await removeTree(leftPath(into))
  await removeTree(nextPath(into))
}

/** A version that was begun, and was overtaken before it was complete. */
function leftPath(into: string): string {
  return join(into, STATE_DIRECTORY, 'left')
}
