export { fetchStatus, type FetchStatusOptions, STATUS_BYTES_MAX } from './fetch-status.ts'
export {
  createMetrics,
  type Exposition,
  LABEL_SETS_MAX,
  type MetricDefinition,
  type Metrics,
  type MetricsWriter,
  type MetricTable,
} from './metrics.ts'
export { createReporter, type EventRule, type EventTable, fanOut, type ReporterComponents } from './reporter.ts'
export {
  type Answer,
  CLOSE_GRACE_MS,
  type Readiness,
  type Route,
  startStatusServer,
  type StatusServer,
  type StatusServerInit,
} from './status-server.ts'
export * from './terminal.ts'
