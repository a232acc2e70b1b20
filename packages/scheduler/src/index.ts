export { type ReplayReport, replayTrace, traceHeader, traceLine } from './trace.ts'
export { Download } from './download.ts'
export type {
  ChunkCatalogue,
  DownloadEffect,
  DownloadInit,
  DownloadInput,
  RefusalCode,
  SlowReason,
  SourceFault,
  SourceId,
  StallReason,
} from './download-types.ts'
