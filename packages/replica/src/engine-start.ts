import {
  ByteReader,
  createState,
  DEFAULT_SETTINGS,
  ed25519Verifier,
  type EngineInit,
  type EngineState,
  type LogRecord,
  readEpochStart,
  readPoint,
  recover,
  rememberedIds,
  STATE_ROOTS_MAX,
  ZERO_DIGEST,
} from '@cairn/ledger'
import { genesisPoint } from './genesis.ts'
import { rememberingVerifier } from './remembering-verifier.ts'
import type { KeyedInit } from './replica-init.ts'
import type { StateStore } from './state/state-store.ts'

/** A record that the log had, and where. */
export interface LoggedRecord {
  readonly seq: number
  readonly record: LogRecord
}

/** The engine as the log and the state say that it was left, or at the ledger's beginning. @throws {LedgerError} `BAD_RECORDS` */
export function engineState(init: KeyedInit, store: StateStore, logged: readonly LoggedRecord[]): EngineState {
  const records = logged.map(({ record }) => record)
  const engine: EngineInit = {
    ledger: init.ledger,
    settings: init.settings ?? DEFAULT_SETTINGS,
    role: init.role ?? 'full',
    self: init.transport.self,
    start: { number: 0, committee: init.genesis, base: genesisPoint(init.ledger, init.genesis) },
    verifier: rememberingVerifier(ed25519Verifier()),
    signerOf: (publicKey) => init.signer.signerOf(publicKey),
    policyRoot: ZERO_DIGEST,
  }
  const newest = store.newestCheckpoint()
  const from = newest && { ...engine, start: readEpochStart(new ByteReader(newest.start, 'kept epoch')) }
  const floor = newest && readPoint(new ByteReader(newest.point, 'kept point'))
  const { height, root } = store.state
  const pointBytes = store.pointAt(height)
  if (pointBytes === undefined) return records.length === 0 ? createState(engine) : recover(engine, records)
  const applied = {
    point: readPoint(new ByteReader(pointBytes, 'kept point')),
    stateRoot: Buffer.from(root.hash).toString('hex'),
    recent: rememberedIds(store, root),
    roots: keptRoots(store),
  }
  return recover(from ?? engine, records, applied, floor)
}

function keptRoots(store: StateStore): ReadonlyMap<number, string> {
  const { height } = store.state
  const roots = new Map<number, string>()
  for (let at = Math.max(1, height - STATE_ROOTS_MAX + 1); at <= height; at++) {
    const root = store.chain.stateRootAt(at)
    if (root !== undefined) roots.set(at, root)
  }
  return roots
}
