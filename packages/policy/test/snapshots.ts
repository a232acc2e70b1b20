import { pageCid } from '@cairn/protocol'
import type { RetentionDecision, RetentionPlan, SnapshotFacts } from '../src/index.ts'

/** A complete snapshot of ledger `main` on channel `stable`, with 10 bytes. */
export function snapshot(height: number, facts: Partial<SnapshotFacts> = {}): SnapshotFacts {
  const ledger = facts.ledger ?? 'main'
  return {
    cid: pageCid(new TextEncoder().encode(`${ledger}/${height}`)),
    ledger,
    height,
    bytes: 10,
    held: 'complete',
    lastUsedAt: 0,
    channels: ['stable'],
    ...facts,
  }
}

/** `main/3 keep newest`, one line for each decision. */
export function summary(plan: RetentionPlan): readonly string[] {
  return plan.decisions.map(
    ({ snapshot, action, reason }: RetentionDecision) => `${snapshot.ledger}/${snapshot.height} ${action} ${reason}`,
  )
}
