export { type HistoryOperation, type RegisterAnswer, type RegisterCall } from './history.ts'
export { checkHistory, type HistoryVerdict, STEPS_MAX } from './linearizability.ts'
