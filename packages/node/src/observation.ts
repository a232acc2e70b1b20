import type { EventTable, MetricTable } from '@cairn/observability'
import { SWARM_METRICS, SWARM_RULES } from '@cairn/swarm'
import type { NodeEvent } from './events.ts'

export const NODE_METRICS = {
  ...SWARM_METRICS,
  cairn_bytes_held: { type: 'gauge', help: 'Distinct plain bytes of the snapshot that were in place when the download started' },
  cairn_stages_committed_total: { type: 'counter', help: 'Stages committed', labels: ['stage'] },
  cairn_stage_seconds: {
    type: 'histogram',
    help: 'Time from the start to a committed stage',
    buckets: [0.5, 1, 5, 15, 60, 300, 900, 3600, 14_400],
  },
  cairn_usable_seconds: {
    type: 'histogram',
    help: "Time from the start until the ledger's own software can start",
    buckets: [0.5, 1, 5, 15, 60, 300, 900, 3600, 14_400],
  },
  cairn_reused_bytes_total: { type: 'counter', help: 'Plain bytes that were on this machine already and were not fetched' },
  cairn_rollbacks_total: { type: 'counter', help: 'Times that chunks in place were found damaged and fetched again' },
  cairn_versions_switched_total: { type: 'counter', help: 'Times that a following node put another version into use' },
  cairn_versions_overtaken_total: { type: 'counter', help: 'Versions given up for a newer one before they were whole' },
  cairn_current_height: { type: 'gauge', help: 'Height of the version in use' },
  cairn_follow_failures_total: { type: 'counter', help: 'Times that the next version could not be brought here' },
  cairn_join_waits_total: { type: 'counter', help: 'Times that a join waited for something before its download', labels: ['reason'] },
} as const satisfies MetricTable

export const NODE_RULES = {
  ...SWARM_RULES,
  waiting: { log: 'info', count: (metrics, { reason }) => metrics.add('cairn_join_waits_total', 1, { reason }) },
  rechecked: { log: 'info' },
  'release-chosen': { log: 'info' },
  'newer-release': { log: 'info' },
  resumed: { log: 'info', count: (metrics, { bytesHeld }) => metrics.set('cairn_bytes_held', bytesHeld) },
  planned: { log: 'info' },
  reused: { log: 'info', count: (metrics, { bytes }) => metrics.add('cairn_reused_bytes_total', bytes) },
  'stage-committed': {
    log: 'info',
    count: (metrics, { stage, sinceStartMs, isResumed }) => {
      if (isResumed) return
      metrics.add('cairn_stages_committed_total', 1, { stage })
      metrics.observe('cairn_stage_seconds', sinceStartMs / 1000)
    },
  },
  usable: { log: 'info', count: (metrics, { sinceStartMs }) => metrics.observe('cairn_usable_seconds', sinceStartMs / 1000) },
  'rolled-back': { log: 'warn', count: (metrics) => metrics.add('cairn_rollbacks_total', 1) },
  'join-staged': { log: 'info' },
  'join-complete': { log: 'info' },
  'version-switched': {
    log: 'info',
    count: (metrics, { height }) => {
      metrics.add('cairn_versions_switched_total', 1)
      metrics.set('cairn_current_height', height)
    },
  },
  'version-overtaken': { log: 'info', count: (metrics) => metrics.add('cairn_versions_overtaken_total', 1) },
  'version-removed': { log: 'info' },
  'follow-paused': { log: 'info' },
  'follow-failed': { log: 'warn', count: (metrics) => metrics.add('cairn_follow_failures_total', 1) },
} as const satisfies EventTable<NodeEvent, typeof NODE_METRICS>
