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
} as const satisfies MetricTable

export const NODE_RULES = {
  ...SWARM_RULES,
  waiting: { log: 'info' },
  rechecked: { log: 'info' },
  'release-chosen': { log: 'info' },
  'newer-release': { log: 'info' },
  resumed: { log: 'info', count: (metrics, { bytesHeld }) => metrics.set('cairn_bytes_held', bytesHeld) },
  'stage-committed': {
    log: 'info',
    count: (metrics, { stage, sinceStartMs }) => {
      metrics.add('cairn_stages_committed_total', 1, { stage })
      metrics.observe('cairn_stage_seconds', sinceStartMs / 1000)
    },
  },
  'join-complete': { log: 'info' },
} as const satisfies EventTable<NodeEvent, typeof NODE_METRICS>
