import assert from 'node:assert/strict'
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client'

interface Described {
  readonly help: string
  readonly labels?: readonly string[]
}

/** One metric. Counters only go up; gauges are what is so now; histograms count observations into `buckets` (upper bounds, ascending). */
export type MetricDefinition =
  | (Described & { readonly type: 'counter' })
  | (Described & { readonly type: 'gauge' })
  | (Described & { readonly type: 'histogram'; readonly buckets: readonly number[] })

/**
 * Every metric of one role by its full name, with the base unit last: `cairn_fetched_bytes_total`, `cairn_fetch_seconds`.
 * Declare it `as const satisfies MetricTable` and the names and labels are checked where they are used.
 */
export type MetricTable = Readonly<Record<string, MetricDefinition>>

/** Where a reporter's rules count. */
export interface MetricsWriter<T extends MetricTable> {
  /** Adds `amount` (at least 0) to a counter. */
  add<N extends NamesOf<T, 'counter'>>(name: N, amount: number, ...labels: LabelsOf<T, N>): void
  set<N extends NamesOf<T, 'gauge'>>(name: N, value: number, ...labels: LabelsOf<T, N>): void
  observe<N extends NamesOf<T, 'histogram'>>(name: N, value: number, ...labels: LabelsOf<T, N>): void
}

export interface Metrics<T extends MetricTable> extends MetricsWriter<T> {
  /** Sets the gauge from `read` each time the metrics are read: for what is cheaper to look up than to follow. */
  readGauge(name: NamesOf<T, 'gauge'>, read: () => number): void
  readonly exposition: Exposition
}

/** What a monitoring server scrapes. */
export interface Exposition {
  readonly contentType: string
  text(): Promise<string>
}

/**
 * Distinct label combinations one metric may have. Labels carry peer ids, and whoever makes peer ids at will would
 * otherwise fill this process and its monitoring server; further combinations are counted together as `other`.
 */
export const LABEL_SETS_MAX = 256

type NamesOf<T extends MetricTable, Type extends MetricDefinition['type']> = {
  [N in keyof T & string]: T[N] extends { readonly type: Type } ? N : never
}[keyof T & string]

type LabelsOf<T extends MetricTable, N extends keyof T> = T[N] extends { readonly labels: readonly (infer L extends string)[] }
  ? [labels: Readonly<Record<L, string>>]
  : []

/** Metrics as declared, in a registry of their own, together with those of the process unless `processMetrics` is false. */
export function createMetrics<const T extends MetricTable>(table: T, options: { readonly processMetrics?: boolean } = {}): Metrics<T> {
  const registry = new Registry()
  if (options.processMetrics !== false) collectDefaultMetrics({ register: registry })
  const instruments = new Map(Object.entries(table).map(([name, definition]) => [name, createInstrument(name, definition, registry)]))
  const readers = new Map<string, () => number>()

  const find = (name: string): Instrument => {
    const instrument = instruments.get(name)
    assert(instrument !== undefined, `metric ${name} is not declared`)
    return instrument
  }
  return {
    add: (name, amount, ...[labels]) => find(name).record(amount, labels),
    set: (name, value, ...[labels]) => find(name).record(value, labels),
    observe: (name, value, ...[labels]) => find(name).record(value, labels),
    readGauge: (name, read) => readers.set(name, read),
    exposition: {
      contentType: registry.contentType,
      async text() {
        for (const [name, read] of readers) find(name).record(read(), undefined)
        return await registry.metrics()
      },
    },
  }
}

interface Instrument {
  record(value: number, labels: Readonly<Record<string, string>> | undefined): void
}

function createInstrument(name: string, definition: MetricDefinition, registry: Registry): Instrument {
  assertName(name, definition.type)
  const names = definition.labels ?? []
  const init = { name, help: definition.help, labelNames: names, registers: [registry] }
  const bound = boundLabels(names)
  switch (definition.type) {
    case 'counter': {
      const counter = new Counter(init)
      return { record: (value, labels) => counter.inc(bound(labels), value) }
    }
    case 'gauge': {
      const gauge = new Gauge(init)
      return { record: (value, labels) => gauge.set(bound(labels), value) }
    }
    case 'histogram': {
      const histogram = new Histogram({ ...init, buckets: [...definition.buckets] })
      return { record: (value, labels) => histogram.observe(bound(labels), value) }
    }
    default:
      return definition satisfies never
  }
}

/** Passes labels through until {@link LABEL_SETS_MAX} combinations were seen; then unknown ones become `other`. */
function boundLabels(names: readonly string[]): (labels: Readonly<Record<string, string>> | undefined) => Record<string, string> {
  const seen = new Set<string>()
  const other = Object.fromEntries(names.map((name) => [name, 'other']))
  return (labels = {}) => {
    if (names.length === 0) return {}
    const key = JSON.stringify(names.map((name) => labels[name]))
    if (!seen.has(key)) {
      if (seen.size >= LABEL_SETS_MAX) return other
      seen.add(key)
    }
    return { ...labels }
  }
}

/** Prometheus' conventions: base units only, the unit last, and `_total` after it on counters alone. */
function assertName(name: string, type: MetricDefinition['type']): void {
  assert.match(name, /^cairn_[a-z][a-z0-9_]*[a-z0-9]$/, `metric ${name} must be cairn_ and snake case`)
  assert.doesNotMatch(
    name,
    /_(ms|millis|milliseconds|minutes|hours|kb|mb|kib|mib|percent)(_total)?$/,
    `metric ${name} must use a base unit`,
  )
  assert.equal(name.endsWith('_total'), type === 'counter', `metric ${name}: exactly the counters end in _total`)
  if (type === 'histogram') assert.match(name, /_(seconds|bytes|ratio)$/, `histogram ${name} must end in its unit`)
}
