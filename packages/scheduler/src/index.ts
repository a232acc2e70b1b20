export { type ReplayReport, replayTrace, traceHeader, traceLine } from './trace.ts'
export { Download, type DownloadInit } from './download.ts'
export type {
  ChunkCatalogue,
  DownloadEffect,
  DownloadInput,
  RefusalCode,
  SlowReason,
  SourceFault,
  SourceId,
  StallReason,
} from './download-types.ts'
