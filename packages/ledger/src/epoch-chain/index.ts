export { type CommitteeDelta, deltaBetween } from './committee-delta.ts'
export { decodeEpochRecord, encodeEpochRecord, type EpochRecord, epochStatement, signReady, verifyEpochRecord } from './epoch-record.ts'
