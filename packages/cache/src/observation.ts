import type { EventTable, MetricTable } from '@cairn/observability'
import { SWARM_METRICS, SWARM_RULES } from '@cairn/swarm'
import type { CacheEvent } from './events.ts'

export const CACHE_METRICS = {
  ...SWARM_METRICS,
  cairn_dials_failed_total: { type: 'counter', help: 'Dials of configured peers that failed' },
  cairn_store_bytes: { type: 'gauge', help: 'Bytes of all blocks in the store' },
  cairn_trust_updates_total: { type: 'counter', help: 'Times that newer metadata was accepted' },
  cairn_mirrors_complete_total: { type: 'counter', help: 'Snapshots that were mirrored in full' },
  cairn_mirrors_failed_total: { type: 'counter', help: 'Attempts to mirror a snapshot that failed' },
  cairn_mirrors_damaged_total: { type: 'counter', help: 'Times that blocks of a mirrored snapshot were found to be gone or damaged' },
  cairn_evictions_total: { type: 'counter', help: 'Snapshots dropped', labels: ['reason'] },
  cairn_evicted_bytes_total: { type: 'counter', help: 'Bytes that evictions freed' },
  cairn_delta_files_damaged_total: { type: 'counter', help: 'Files of deltas that could not be read and were removed' },
  cairn_store_failures_total: { type: 'counter', help: 'Times that the disk refused trust, bookkeeping or an eviction', labels: ['what'] },
} as const satisfies MetricTable

export const CACHE_RULES = {
  ...SWARM_RULES,
  'dial-failed': { log: 'warn', count: (metrics) => metrics.add('cairn_dials_failed_total', 1) },
  serving: { log: 'info', count: (metrics, { storeBytes }) => metrics.set('cairn_store_bytes', storeBytes) },
  'trust-updated': { log: 'info', count: (metrics) => metrics.add('cairn_trust_updates_total', 1) },
  'mirror-started': { log: 'info' },
  'mirror-complete': {
    log: 'info',
    count: (metrics, { storeBytes }) => {
      metrics.add('cairn_mirrors_complete_total', 1)
      metrics.set('cairn_store_bytes', storeBytes)
    },
  },
  'mirror-failed': { log: 'error', count: (metrics) => metrics.add('cairn_mirrors_failed_total', 1) },
  'mirror-damaged': { log: 'error', count: (metrics) => metrics.add('cairn_mirrors_damaged_total', 1) },
  evicted: {
    log: 'info',
    count: (metrics, { reason, freedBytes, storeBytes }) => {
      metrics.add('cairn_evictions_total', 1, { reason })
      metrics.add('cairn_evicted_bytes_total', freedBytes)
      metrics.set('cairn_store_bytes', storeBytes)
    },
  },
  'orphans-removed': { log: 'warn', count: (metrics, { storeBytes }) => metrics.set('cairn_store_bytes', storeBytes) },
  'deltas-damaged': { log: 'error', count: (metrics) => metrics.add('cairn_delta_files_damaged_total', 1) },
  'store-failed': { log: 'error', count: (metrics, { what }) => metrics.add('cairn_store_failures_total', 1, { what }) },
} as const satisfies EventTable<CacheEvent, typeof CACHE_METRICS>
