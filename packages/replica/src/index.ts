export { ReplicaError, type ReplicaFault } from './errors.ts'
export { ReplicaLog, type ReplicaLogInit } from './log/log.ts'
export { type LogFile, type LogFiles, systemLogFiles } from './log/log-files.ts'
export { type LogEntry, type LogRecord } from './log/record.ts'
