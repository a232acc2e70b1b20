import { closeSync, existsSync, fsyncSync, openSync, readdirSync, renameSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { ReplicaError } from '../errors.ts'
import type { StateAnchor, StateAnchors } from './state-anchors.ts'
import { StateStore } from './state-store.ts'

const NAME = /^state(-\d+)?\.db(-wal|-shm)?$/
/** A state that is being fetched. */
const INCOMING = 'incoming.db'

export interface StateOptions {
  readonly heightsKept?: number
  /** A state is made again: it does not have yet what the log was forgotten for. */
  readonly rebuilds?: boolean
}

/**
 * Opens the state that the superblock names. What it does not name is removed.
 *
 * @throws {ReplicaError} `STATE_LOST` if the log has forgotten what only this state could make good, `STATE_CORRUPT`, `UNSUPPORTED_VERSION`
 */
export function openState(directory: string, { installed, forgotten }: StateAnchor, { heightsKept, rebuilds }: StateOptions): StateStore {
  removeOtherStates(directory, installed)
  const path = stateFile(directory, installed)
  const store = new StateStore({ path, ...(heightsKept !== undefined && { heightsKept }) })
  const newest = store.chain.certifiedUpTo(store.state.height)?.height ?? 0
  const needed = Math.max(installed, forgotten)
  if (newest < needed && rebuilds !== true) {
    store.close()
    throw new ReplicaError({ code: 'STATE_LOST', path, height: needed })
  }
  if (newest > 0) store.keepFrom(newest)
  return store
}

/**
 * P7: the state of `height` that was fetched takes the place of `old`. It has its name and is on disk, then the superblock says that it is the
 * state, and only then is it opened.
 *
 * @throws {ReplicaError} as {@link openState}; `LOG_FAILED`, `CLOSED` · the system's error
 */
export async function replaceState(
  old: StateStore,
  height: number,
  anchors: StateAnchors,
  init: StateOptions & { readonly directory: string },
): Promise<StateStore> {
  const { directory } = init
  nameIncoming(directory, height)
  await anchors.set({ installed: height })
  old.close()
  return openState(directory, anchors.anchor, init)
}

/** Removes what an attempt to make a state again has left, but for pages that were fetched. */
export function removeStates(directory: string): void {
  for (const name of readdirSync(directory)) if (NAME.test(name)) rmSync(join(directory, name))
}

/** Where the state is that goes back to the snapshot of height `installed`. */
function stateFile(directory: string, installed: number): string {
  return join(directory, installed === 0 ? 'state.db' : `state-${installed}.db`)
}

export function incomingFile(directory: string): string {
  return join(directory, INCOMING)
}

/** Removes a database with what SQLite puts beside it. */
export function removeDatabase(path: string): void {
  for (const suffix of ['', '-wal', '-shm']) rmSync(`${path}${suffix}`, { force: true })
}

/** The fetched state gets its name, and survives a power cut under it. */
function nameIncoming(directory: string, installed: number): void {
  const path = incomingFile(directory)
  syncPath(path)
  renameSync(path, stateFile(directory, installed))
  syncPath(directory)
}

/** Removes states that the superblock does not name: replaced ones, and ones that were not installed before a crash. */
function removeOtherStates(directory: string, installed: number): void {
  const current = stateFile(directory, installed)
  for (const name of readdirSync(directory)) {
    if (NAME.test(name) && !join(directory, name).startsWith(current)) rmSync(join(directory, name), { force: true })
  }
}

/** Whether a download was under way. */
export function hasIncoming(directory: string): boolean {
  return existsSync(incomingFile(directory))
}

function syncPath(path: string): void {
  const descriptor = openSync(path, 'r')
  try {
    fsyncSync(descriptor)
  } finally {
    closeSync(descriptor)
  }
}
