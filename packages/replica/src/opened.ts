import { join } from 'node:path'
import { decodeLogRecord, type EngineState } from '@cairn/ledger'
import { engineState, type LoggedRecord } from './engine-start.ts'
import type { ReplicaError } from './errors.ts'
import { ReplicaLog } from './log/log.ts'
import type { KeyedInit } from './replica-init.ts'
import { StateAnchors } from './state/state-anchors.ts'
import { openState } from './state/state-files.ts'
import type { StateStore } from './state/state-store.ts'

/** What a replica finds in its directory. */
export interface Opened {
  readonly log: ReplicaLog
  readonly anchors: StateAnchors
  readonly store: StateStore
  readonly state: EngineState
  readonly records: readonly LoggedRecord[]
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
    store = openState(init.directory, anchors.anchor, init.heightsKept)
    return { log, anchors, store, state: engineState(init, store, records), records }
  } catch (error) {
    store?.close()
    await log.close()
    throw error
  }
}
