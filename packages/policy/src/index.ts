export { BAN_SCORE, type PeerFault, PENALTIES } from './penalties.ts'
export { type Judgement, PeerScores, type PeerScoresInit } from './peer-scores.ts'
export { releasable } from './releasable.ts'
export { planRetention, type RetentionDecision, type RetentionInit, type RetentionPlan, type SnapshotFacts } from './retention.ts'
