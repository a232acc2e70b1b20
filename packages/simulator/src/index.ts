export { EscapeError, withoutWorld } from './kernel/guard.ts'
export { Kernel } from './kernel/kernel.ts'
export { type LedgerFailure, type LedgerOutcome, type LedgerSimulation, simulateLedger } from './ledger/simulate.ts'
