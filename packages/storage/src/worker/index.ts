// For modules that run in a worker thread: little enough to start one in a few milliseconds.
export { StorageError, type StorageFault } from '../errors.ts'
export { storageErrorOf } from '../io-error.ts'
export type { PackedFrame } from '../pack-format.ts'
export { PackWriter } from './pack-writer.ts'
export { serveCalls } from './serve-calls.ts'
