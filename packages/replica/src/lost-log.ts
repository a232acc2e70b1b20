import { readdir, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { LedgerError } from '@cairn/ledger'
import { readFileIfExists, writeFileDurably } from '@cairn/storage'
import { ReplicaError } from './errors.ts'
import { BURNT_FILE, seatDirectory } from './ledger-directory.ts'
import { incomingFile, removeDatabase } from './state/state-files.ts'

/** What is left of a log that cannot be relied on, for whoever wants to know what became of it: the last one only. */
const LOST_LOG = 'log.lost'
const STATE = /^state(-\d+)?\.db$/

/**
 * Why a start that failed with `error` burns the seat's key: it is not known any more what that has signed. `undefined` for errors that do not.
 * Names no paths, for it is shown to whoever asks for the seat's status.
 */
export function burningReason(error: unknown): string | undefined {
  if (error instanceof LedgerError) return error.fault.code === 'BAD_RECORDS' ? error.message : undefined
  if (!(error instanceof ReplicaError)) return undefined
  const { fault } = error
  switch (fault.code) {
    case 'LOG_CORRUPT':
      return `its log has lost record ${fault.seq}: ${fault.reason}`
    case 'SUPERBLOCK_CORRUPT':
      return `the superblock of its log is damaged: ${fault.reason}`
    case 'STATE_LOST':
      return `its state does not have the checkpoint of height ${fault.height}, behind which its log was forgotten`
    default:
      return undefined
  }
}

/**
 * Burns the key of a seat for good, because of `reason`, and puts its log out of the way, so that the seat can be started as a learner. Of its
 * state the pages stay, to be used as far as the ledger's own state has them; nothing else of that disk is believed.
 *
 * May be called again after a crash in the middle.
 *
 * @throws {StorageError} `NO_SPACE`, `IO_FAILED` · the system's error
 */
export async function burnSeat(directory: string, seat: number, reason: string): Promise<void> {
  const home = seatDirectory(directory, seat)
  // First of all: whatever happens next, the key signs no more.
  await writeFileDurably(join(home, BURNT_FILE), Buffer.from(`${reason}\n`), 0o600)
  for (const name of await readdir(home)) {
    if (!STATE.test(name)) continue
    const incoming = incomingFile(home)
    removeDatabase(incoming)
    await rename(join(home, name), incoming)
    // What SQLite had not copied into the file is found under its name only.
    await renameIfThere(join(home, `${name}-wal`), `${incoming}-wal`)
    await rm(join(home, `${name}-shm`), { force: true })
  }
  await rm(join(home, LOST_LOG), { recursive: true, force: true })
  await renameIfThere(join(home, 'log'), join(home, LOST_LOG))
}

/** Why the seat's key is burnt; `undefined` if it is not. @throws {StorageError} `IO_FAILED` */
export async function burntReason(directory: string, seat: number): Promise<string | undefined> {
  const text = await readFileIfExists(join(seatDirectory(directory, seat), BURNT_FILE))
  if (text === undefined) return undefined
  return Buffer.from(text).toString('utf8').trim() || 'it has signed before, and its log is gone'
}

async function renameIfThere(from: string, to: string): Promise<void> {
  try {
    await rename(from, to)
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ENOENT')) throw error
  }
}
