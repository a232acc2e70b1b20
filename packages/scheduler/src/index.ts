export { type ReplayReport, replayTrace, traceHeader, traceLine } from './trace.ts'
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
