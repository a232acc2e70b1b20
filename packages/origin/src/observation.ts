import type { EventTable, MetricTable } from '@cairn/observability'
import { SWARM_METRICS, SWARM_RULES } from '@cairn/swarm'
import type { OriginEvent } from './events.ts'

export const ORIGIN_METRICS = {
  ...SWARM_METRICS,
  cairn_releases_served: { type: 'gauge', help: 'Releases that are signed and served' },
  cairn_timestamps_signed_total: { type: 'counter', help: 'Timestamps signed because the last one grew old' },
  cairn_delta_sets_made_total: { type: 'counter', help: 'Pairs of snapshots whose deltas were made on request' },
  cairn_delta_sets_failed_total: { type: 'counter', help: 'Pairs of snapshots whose deltas could not be made or read' },
  cairn_sources_changed_total: { type: 'counter', help: 'Files served by reference that were changed after they were published' },
} as const satisfies MetricTable

export const ORIGIN_RULES = {
  ...SWARM_RULES,
  serving: { log: 'info', count: (metrics, { snapshots }) => metrics.set('cairn_releases_served', snapshots) },
  'release-loaded': { log: 'info' },
  'timestamp-renewed': { log: 'info', count: (metrics) => metrics.add('cairn_timestamps_signed_total', 1) },
  'deltas-made': { log: 'info', count: (metrics) => metrics.add('cairn_delta_sets_made_total', 1) },
  'deltas-failed': { log: 'error', count: (metrics) => metrics.add('cairn_delta_sets_failed_total', 1) },
  'deltas-damaged': { log: 'error', count: (metrics) => metrics.add('cairn_delta_sets_failed_total', 1) },
  'source-changed': { log: 'error', count: (metrics) => metrics.add('cairn_sources_changed_total', 1) },
  'metadata-unusable': { log: 'error' },
} as const satisfies EventTable<OriginEvent, typeof ORIGIN_METRICS>
