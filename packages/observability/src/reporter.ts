import type { Log, LogFields, Reporter } from '@cairn/runtime'
import type { MetricsWriter, MetricTable } from './metrics.ts'

/** Anything a role reports: `type` names it, the other members say what happened. */
export interface ReportedEvent {
  readonly type: string
}

/** What one type of event means to those who watch. */
export interface EventRule<Event, T extends MetricTable> {
  /** How serious a log line it is; without it the event is counted but not logged. */
  readonly log?: 'debug' | 'info' | 'warn' | 'error'
  /** What the line carries; by default every member of the event that a log line can hold. */
  readonly fields?: (event: Event) => LogFields
  readonly count?: (metrics: MetricsWriter<T>, event: Event) => void
}

/** One rule for each event of a role's vocabulary: an event without one does not compile. */
export type EventTable<Event extends ReportedEvent, T extends MetricTable> = {
  readonly [Type in Event['type']]: EventRule<Extract<Event, { readonly type: Type }>, T>
}

export interface ReporterComponents<Event extends ReportedEvent, T extends MetricTable> {
  readonly log: Log
  /** Absent where nobody can read them. */
  readonly metrics: MetricsWriter<T> | undefined
  /** Hears every event after it was logged and counted: keeps the state that `/status` shows. */
  readonly status?: Reporter<Event>
}

/** The one place where a role's events become log lines, metrics and status, each once. */
export function createReporter<Event extends ReportedEvent, T extends MetricTable>(
  table: EventTable<Event, T>,
  components: ReporterComponents<Event, T>,
): Reporter<Event> {
  const rules: Readonly<Record<string, EventRule<Event, T> | undefined>> = table as Readonly<Record<Event['type'], EventRule<Event, T>>>
  return {
    report(event) {
      const rule = rules[event.type]
      if (rule?.log !== undefined) components.log[rule.log](event.type, (rule.fields ?? loggable)(event))
      if (components.metrics !== undefined) rule?.count?.(components.metrics, event)
      components.status?.report(event)
    },
  }
}

/** Tells each event to all `reporters`, in order. */
export function fanOut<Event extends ReportedEvent>(...reporters: readonly Reporter<Event>[]): Reporter<Event> {
  return {
    report(event) {
      for (const reporter of reporters) reporter.report(event)
    },
  }
}

function loggable(event: ReportedEvent): LogFields {
  const fields: Record<string, LogFields[string]> = {}
  for (const [name, value] of Object.entries(event) as [string, unknown][]) {
    if (name !== 'type' && isLogValue(value)) fields[name] = value
  }
  return fields
}

function isLogValue(value: unknown): value is LogFields[string] {
  if (value === null || typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean') return true
  return Array.isArray(value) && value.every((item) => typeof item === 'string')
}
