export { StorageError, type StorageFault } from './errors.ts'
export type { BlockSource, BlockStore } from './block-store.ts'
export type { SnapshotSink } from './snapshot-sink.ts'
