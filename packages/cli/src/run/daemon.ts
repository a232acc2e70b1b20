import {
  createReporter,
  type EventTable,
  fanOut,
  type HostPort,
  type MetricTable,
  type Readiness,
  type ReportedEvent,
  startStatusServer,
  type StatusReport,
  type StatusServer,
} from '@cairn/observability'
import type { Reporter } from '@cairn/runtime'
import type { CacheEvent } from '@cairn/cache'
import type { NodeEvent } from '@cairn/node'
import type { OriginEvent } from '@cairn/origin'
import { type CommandIo, jsonReporter } from '../io.ts'
import { packageVersion } from '../version.ts'
import type { ObservedReplicaEvent } from './replica-observation.ts'

/** Logs, metrics and, where asked for, the HTTP server of one role. */
export interface Observed<Event extends ReportedEvent> {
  readonly reporter: Reporter<Event>
  /** Serves health, readiness, metrics and status, if that was asked for. */
  serve(role: ObservedRole): Promise<StatusServer | undefined>
}

/** What a role offers to be asked. */
export interface ObservedRole {
  ready(): Readiness
  status(): Omit<StatusReport, 'version' | 'uptimeMs'>
  /** Reports what is cheaper to look up than to follow; called when somebody reads the metrics. */
  beforeMetrics?(): void
}

/** Events that come by the thousand, or are no reading; `--json` prints the others. */
const FREQUENT: ReadonlySet<string> = new Set<(CacheEvent | NodeEvent | OriginEvent | ObservedReplicaEvent)['type']>([
  'block-served',
  'serving-load',
  // Of a replica all but what a person must look at, which is logged; evidence and epochs hold keys and signatures.
  'queued',
  'duplicate',
  'rejected',
  'slot-entered',
  'skip-voted',
  'final',
  'evidence',
  'epoch-ended',
  'epoch-started',
  'synced',
  'dropped',
  'applied',
  'proposal-seen',
  'finality',
  'answered',
  'sent',
  'received',
  'ledger-load',
])

/** `http` is where to serve what is observed; without it nobody can read metrics, and none are kept. */
export async function observe<Event extends ReportedEvent, T extends MetricTable>(
  io: CommandIo,
  rules: EventTable<Event, T>,
  table: T,
  http: HostPort | undefined,
  ...listeners: readonly Reporter<Event>[]
): Promise<Observed<Event>> {
  const metrics = http === undefined ? undefined : (await import('@cairn/observability/metrics')).createMetrics(table)
  const startedMs = io.clock.monotonicMs()
  const toJson = jsonReporter<Event>(io)
  return {
    reporter: fanOut<Event>(
      createReporter(rules, { log: io.log, metrics }),
      { report: (event) => !FREQUENT.has(event.type) && toJson.report(event) },
      ...listeners,
    ),
    async serve(role) {
      if (http === undefined || metrics === undefined) return undefined
      const server = await startStatusServer({
        ...http,
        ready: () => role.ready(),
        status: () => ({ ...role.status(), version: packageVersion(), uptimeMs: Math.round(io.clock.monotonicMs() - startedMs) }),
        metrics: {
          contentType: metrics.exposition.contentType,
          text() {
            role.beforeMetrics?.()
            return metrics.exposition.text()
          },
        },
        clock: io.clock,
        onError: (error, path) => io.log.error('status-route-failed', { path, reason: String(error) }),
      })
      io.say({ type: 'http', url: server.url }, `http ${server.url}`)
      return server
    },
  }
}

/** Prints one line per address: what peers are given, and what a script waits for. */
export function announceListening(io: CommandIo, addresses: readonly string[]): void {
  for (const address of addresses) io.say({ type: 'listening', address }, `listening ${address}`)
}

/** Resolves when the process is told to stop. */
export async function untilStopped(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return
  await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }))
}
