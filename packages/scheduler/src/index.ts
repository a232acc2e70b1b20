export { TraceRecorder } from './trace.ts'
export { type ReplayReport, replayTrace, type TraceFault, TraceReplay } from './trace-replay.ts'
export { Download } from './download.ts'
export type {
  ChunkCatalogue,
  DownloadEffect,
  DownloadInit,
  DownloadInput,
  DropReason,
  RefusalCode,
  SlowReason,
  SourceFault,
  SourceId,
  StallReason,
} from './download-types.ts'
