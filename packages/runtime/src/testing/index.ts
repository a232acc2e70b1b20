export { advanceToEnd, advanceUntil } from './advance.ts'
export { ManualClock } from './manual-clock.ts'
