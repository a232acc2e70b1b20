// What every command needs: logs, rates and addresses, without the metrics of a daemon, which take longer to load than a short command runs.
export { ObservabilityError, type ObservabilityFault } from './errors.ts'
export { formatHostPort, HOST_DEFAULT, type HostPort, parseHostPort } from './host-port.ts'
export { createLog, LOG_LEVELS, type LogInit, type LogLevel } from './log.ts'
export { RateMeter, type RateMeterInit } from './rate-meter.ts'
export { LOG_LIST_ITEMS_MAX, LOG_VALUE_CHARS_MAX, REDACTED } from './redact.ts'
export type { ReportedEvent } from './reporter.ts'
export type { PeerStatus, SnapshotStatus, StatusReport } from './status-report.ts'
