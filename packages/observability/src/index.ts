export { ObservabilityError, type ObservabilityFault } from './errors.ts'
export { fetchStatus, type FetchStatusOptions, STATUS_BYTES_MAX } from './fetch-status.ts'
export { formatHostPort, HOST_DEFAULT, type HostPort, parseHostPort } from './host-port.ts'
export { createLog, LOG_LEVELS, type LogInit, type LogLevel } from './log.ts'
// `createMetrics` is in `@cairn/observability/metrics`: whoever needs none does not load its library.
export type { Exposition, MetricDefinition, Metrics, MetricsWriter, MetricTable } from './metrics.ts'
export { RateMeter, type RateMeterInit } from './rate-meter.ts'
export { LOG_LIST_ITEMS_MAX, LOG_VALUE_CHARS_MAX, REDACTED } from './redact.ts'
export { createReporter, type EventRule, type EventTable, fanOut, type ReportedEvent, type ReporterComponents } from './reporter.ts'
export type { LedgerStatus, PeerStatus, SeatStatus, SnapshotStatus, StatusReport } from './status-report.ts'
export {
  type Answer,
  CLOSE_GRACE_MS,
  type Readiness,
  type Route,
  startStatusServer,
  type StatusServer,
  type StatusServerInit,
} from './status-server.ts'
