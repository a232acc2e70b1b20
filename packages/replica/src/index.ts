export { ReplicaError, type ReplicaFault } from './errors.ts'
export { ReplicaLog, type ReplicaLogInit } from './log/log.ts'
export { type LogFile, type LogFiles, systemLogFiles } from './log/log-files.ts'
export { type LogEntry, type LogRecord } from './log/record.ts'
export { StateStore, type StateStoreInit } from './state/state-store.ts'
export { genesisHeader, genesisPoint } from './genesis.ts'
export { Replica } from './replica.ts'
export type { ReplicaInit } from './replica-init.ts'
export type { ReconfigureOutcome } from './epochs/epoch-changes.ts'
export type { KeyRing } from './epochs/key-ring.ts'
export {
  changedCommittee,
  type CommitteeChange,
  decodeNextCommittee,
  encodeNextCommittee,
  NEXT_COMMITTEE_FILE,
  type NextCommittee,
} from './epochs/next-committee.ts'
export { createSeatKey, SeatKeys, type SeatName } from './epochs/seat-keys.ts'
export type { ReadAnswer } from './read/read-answer.ts'
export { type ReplicaEvent } from './events.ts'
export type { MessageClass } from './peer-links.ts'
export { type LoadReadiness, type ReplicaLoad, readinessOf, type SeatLag } from './load.ts'
export { type SubmitOutcome } from './submissions.ts'
export { type ClientServer, type ClientServerInit, startClientServer } from './client/client-server.ts'
export { LedgerClient, type VerifiedRead } from './client/ledger-client.ts'
export type { ReadLevel, StatusResponse } from './client/protocol.ts'
export { createLedgerDirectory, type LedgerFile, readLedgerFile, readSeatIdentity, seatDirectory } from './ledger-directory.ts'
export { burningReason, burnSeat, burntReason } from './lost-log.ts'
export { asideReason, damageReason, isStateMissing, setStateAside, stateIsBack } from './lost-state.ts'
