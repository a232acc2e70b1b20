import { readdir, rename, rm } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { readFileIfExists, writeFileDurably } from '@cairn/storage'
import { ReplicaError } from './errors.ts'
import { seatDirectory } from './ledger-directory.ts'
import { removeDatabase } from './state/state-files.ts'

/** Says why the state was set aside, for as long as it is not here again. */
const MARK_FILE = 'state.damaged'
/** What is left of it, for whoever wants to know what became of it: the last one only. */
const DAMAGED_STATE = 'damaged.db'
const DAMAGED_EPOCHS = 'damaged-epochs.db'
const STATE = /^state(-\d+)?\.db$/
const EPOCHS = 'epochs.db'

/** Why what `error` tells of can be set aside by {@link setStateAside}, with the path; `undefined` for all else. */
export function damageReason(error: unknown): string | undefined {
  return error instanceof ReplicaError && error.fault.code === 'STATE_CORRUPT' ? error.message : undefined
}

/** Whether a start failed with `error` because the state is not here that the log was forgotten for. */
export function isStateMissing(error: unknown): boolean {
  return error instanceof ReplicaError && error.fault.code === 'STATE_LOST'
}

/**
 * Puts the damaged state of a seat that does not run out of the way, because of `error`. What the seat has signed is in its log, which stays as it
 * is: the key is not burnt. Where the log goes back to the first block the next start makes the state again from it; where it does not, that
 * start misses the state, and {@link asideReason} says that it may be fetched. Records of epochs are fetched again by themselves.
 *
 * May be called again after a crash in the middle.
 *
 * @throws {StorageError} `NO_SPACE`, `IO_FAILED` · the system's error
 */
export async function setStateAside(directory: string, seat: number, error: ReplicaError): Promise<void> {
  const home = seatDirectory(directory, seat)
  const path = 'path' in error.fault ? error.fault.path : home
  if (basename(path) === EPOCHS) {
    await setAside(home, EPOCHS, DAMAGED_EPOCHS)
  } else {
    // First of all: a state that is gone without this would cost the key.
    await writeFileDurably(join(home, MARK_FILE), Buffer.from(`${error.message}\n`), 0o600)
    for (const name of await readdir(home)) if (STATE.test(name)) await setAside(home, name, DAMAGED_STATE)
  }
}

/** Why the state was set aside, as long as it is not here again. @throws {StorageError} `IO_FAILED` */
export async function asideReason(directory: string, seat: number): Promise<string | undefined> {
  const text = await readFileIfExists(join(seatDirectory(directory, seat), MARK_FILE))
  return text && Buffer.from(text).toString('utf8').trim()
}

/** The seat has started with a whole state. */
export async function stateIsBack(directory: string, seat: number): Promise<void> {
  await rm(join(seatDirectory(directory, seat), MARK_FILE), { force: true })
}

async function setAside(home: string, name: string, to: string): Promise<void> {
  removeDatabase(join(home, to))
  for (const suffix of ['', '-wal']) {
    try {
      await rename(join(home, `${name}${suffix}`), join(home, `${to}${suffix}`))
    } catch (error) {
      if (!(error instanceof Error && 'code' in error && error.code === 'ENOENT')) throw error
    }
  }
  await rm(join(home, `${name}-shm`), { force: true })
}
