import { join } from 'node:path'
import { decodeLogRecord, type EngineState } from '@cairn/ledger'
import { engineState, type LoggedRecord } from './engine-start.ts'
import type { ReplicaError } from './errors.ts'
import { ReplicaLog } from './log/log.ts'
import type { KeyedInit } from './replica-init.ts'
import { StateAnchors } from './state/state-anchors.ts'
import { openState, removeStates } from './state/state-files.ts'
import type { StateStore } from './state/state-store.ts'

/** What a replica finds in its directory. */
export interface Opened {
  readonly log: ReplicaLog
  readonly anchors: StateAnchors
  readonly store: StateStore
  readonly state: EngineState
  readonly records: readonly LoggedRecord[]
  /** The state must have a certified checkpoint of this height at least: the log was forgotten for it, or is empty up to it. */
  readonly needed: number
}

/**
 * Reads the log, then the state that its superblock names, and makes of both the engine as it was left.
 *
 * @throws {ReplicaError} `LOG_CORRUPT`, `SUPERBLOCK_CORRUPT`, `STATE_LOST`: this key must not sign again · {LedgerError} `BAD_RECORDS`, the same
 */
export async function openReplica(init: KeyedInit, onFailure: (error: ReplicaError) => void): Promise<Opened> {
  const records: LoggedRecord[] = []
  const log = await ReplicaLog.open({
    directory: join(init.directory, 'log'),
    clock: init.clock,
    onRecord: ({ seq, entries }) => records.push(...entries.map(({ type, body }) => ({ seq, record: decodeLogRecord(type, body) }))),
    ...(init.segmentBytes !== undefined && { segmentBytes: init.segmentBytes }),
    onFailure,
    onSync: (entries, bytes, durationMs) => init.observe?.({ type: 'synced', entries, bytes, durationMs }),
  })
  let store: StateStore | undefined
  try {
    const anchors = new StateAnchors(log)
    const needed = Math.max(anchors.anchor.installed, anchors.anchor.forgotten)
    if (init.rebuilds === true) removeStates(init.directory)
    store = openState(init.directory, anchors.anchor, init)
    const state = engineState(init, store, init.rebuilds === true ? [] : records)
    return { log, anchors, store, state, records, needed }
  } catch (error) {
    store?.close()
    await log.close()
    throw error
  }
}

/** What `make` makes of what was opened, which is closed if that throws. */
export async function orClosed<Result>({ log, store }: Opened, make: () => Result): Promise<Result> {
  try {
    return make()
  } catch (error) {
    store.close()
    await log.close()
    throw error
  }
}
