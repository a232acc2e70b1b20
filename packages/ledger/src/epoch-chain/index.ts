export { applyDelta, type CommitteeDelta, deltaBetween, readCommittee, writeCommittee } from './committee-delta.ts'
export { decodeEpochRecord, encodeEpochRecord, type EpochRecord, epochStatement, verifyEpochRecord } from './epoch-record.ts'
export { gatherEpochRecord, joinersOf, openEpochRecord } from './gathering.ts'
export { readyBytes, signReady } from './ready.ts'
