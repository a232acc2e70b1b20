export { EscapeError, withoutWorld } from './kernel/guard.ts'
export { Kernel } from './kernel/kernel.ts'
export { FOCI, type Focus } from './ledger/focus.ts'
export { type Trick, TRICKS } from './ledger/plan.ts'
export type { LedgerObserver } from './ledger/observer.ts'
export {
  LEDGER_PRESETS,
  type LedgerFailure,
  type LedgerOutcome,
  type LedgerPreset,
  type LedgerSimulation,
  simulateLedger,
} from './ledger/simulate.ts'
