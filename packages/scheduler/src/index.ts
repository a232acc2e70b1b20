export { Download } from './download.ts'
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
