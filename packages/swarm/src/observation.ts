import type { EventTable, MetricTable } from '@cairn/observability'
import type { SwarmEvent } from './events.ts'

/** What every participant measures. Labels carry peer ids; `observability` bounds how many. */
export const SWARM_METRICS = {
  cairn_peers_connected_total: { type: 'counter', help: 'Connections with peers that opened' },
  cairn_peers_disconnected_total: { type: 'counter', help: 'Connections with peers that ended' },
  cairn_dials_failed_total: { type: 'counter', help: 'Dials of configured peers that failed' },
  cairn_arrived_bytes_total: { type: 'counter', help: 'Frame bytes of chunks that came over the network, whatever became of them' },
  cairn_chunks_received_total: { type: 'counter', help: 'Chunks that were verified and kept' },
  cairn_received_bytes_total: { type: 'counter', help: 'Frame bytes received and used', labels: ['peer'] },
  cairn_plain_received_bytes_total: { type: 'counter', help: 'Plain bytes of the chunks received and used' },
  cairn_wasted_bytes_total: { type: 'counter', help: 'Frame bytes received and thrown away: duplicates and late answers' },
  cairn_bad_chunks_total: { type: 'counter', help: 'Chunks that did not match their digest', labels: ['peer'] },
  cairn_served_bytes_total: { type: 'counter', help: 'Frame bytes sent to others' },
  cairn_blocks_served_total: { type: 'counter', help: 'Blocks sent to others' },
  cairn_newcomer_blocks_total: { type: 'counter', help: 'Blocks sent before their turn, to peers that had hardly anything' },
  cairn_serving_queued_blocks: { type: 'gauge', help: 'Blocks that peers wait for, not yet read' },
  cairn_serving_held_bytes: { type: 'gauge', help: 'Bytes read or being read, and not yet sent' },
  cairn_slow_readers_dropped_total: { type: 'counter', help: 'Channels closed because their peer did not read', labels: ['reason'] },
  cairn_blocks_unavailable_total: { type: 'counter', help: 'Blocks asked for that could not be read' },
  cairn_peer_faults_total: { type: 'counter', help: 'Faults held against peers', labels: ['fault'] },
  cairn_peers_banned_total: { type: 'counter', help: 'Bans', labels: ['fault'] },
  cairn_sources_dropped_total: {
    type: 'counter',
    help: 'Times that a download gave a source up, for a while or for good',
    labels: ['reason'],
  },
  cairn_sources_restored_total: { type: 'counter', help: 'Times that a download took a dropped source back' },
  cairn_downloads_complete_total: { type: 'counter', help: 'Downloads that finished' },
  cairn_download_seconds: { type: 'histogram', help: 'Duration of finished downloads', buckets: [1, 5, 15, 60, 300, 900, 3600, 14_400] },
  cairn_download_stalls_total: { type: 'counter', help: 'Times that a download waited', labels: ['reason'] },
  cairn_download_slowdowns_total: {
    type: 'counter',
    help: 'Times that a download asked for less because this machine did not keep up',
    labels: ['reason'],
  },
  cairn_metadata_refreshes_total: { type: 'counter', help: 'Trust metadata refreshes, by outcome', labels: ['outcome'] },
  cairn_announcements_refused_total: { type: 'counter', help: 'Gossip messages that no honest peer sends' },
} as const satisfies MetricTable

/** What each event of {@link SwarmEvent} means to logs and metrics; roles spread it into their own table. */
export const SWARM_RULES = {
  'dial-failed': { log: 'warn', count: (metrics) => metrics.add('cairn_dials_failed_total', 1) },
  'peer-connected': { log: 'info', count: (metrics) => metrics.add('cairn_peers_connected_total', 1) },
  'peer-disconnected': { log: 'info', count: (metrics) => metrics.add('cairn_peers_disconnected_total', 1) },
  'peer-penalized': { log: 'warn', count: (metrics, { fault }) => metrics.add('cairn_peer_faults_total', 1, { fault }) },
  'peer-banned': { log: 'warn', count: (metrics, { fault }) => metrics.add('cairn_peers_banned_total', 1, { fault }) },
  'metadata-refreshed': { log: 'debug', count: (metrics) => metrics.add('cairn_metadata_refreshes_total', 1, { outcome: 'accepted' }) },
  'metadata-refused': { log: 'warn', count: (metrics) => metrics.add('cairn_metadata_refreshes_total', 1, { outcome: 'refused' }) },
  'manifest-loaded': { log: 'info' },
  'download-started': { log: 'info' },
  'source-joined': { log: 'info' },
  'source-left': { log: 'info' },
  'source-dropped': { log: 'warn', count: (metrics, { reason }) => metrics.add('cairn_sources_dropped_total', 1, { reason }) },
  'source-restored': { log: 'info', count: (metrics) => metrics.add('cairn_sources_restored_total', 1) },
  'chunk-arrived': { count: (metrics, { frameBytes }) => metrics.add('cairn_arrived_bytes_total', frameBytes) },
  'chunk-received': {
    count: (metrics, { peer, frameBytes, plainBytes }) => {
      metrics.add('cairn_chunks_received_total', 1)
      metrics.add('cairn_received_bytes_total', frameBytes, { peer })
      metrics.add('cairn_plain_received_bytes_total', plainBytes)
    },
  },
  'chunk-bad': { log: 'warn', count: (metrics, { peer }) => metrics.add('cairn_bad_chunks_total', 1, { peer }) },
  'chunk-wasted': { log: 'debug', count: (metrics, { frameBytes }) => metrics.add('cairn_wasted_bytes_total', frameBytes) },
  'download-stalled': { log: 'warn', count: (metrics, { reason }) => metrics.add('cairn_download_stalls_total', 1, { reason }) },
  'download-resumed': { log: 'info' },
  'download-slowed': { log: 'warn', count: (metrics, { reason }) => metrics.add('cairn_download_slowdowns_total', 1, { reason }) },
  'download-recovered': { log: 'info' },
  'download-complete': {
    log: 'info',
    count: (metrics, { durationMs }) => {
      metrics.add('cairn_downloads_complete_total', 1)
      metrics.observe('cairn_download_seconds', durationMs / 1000)
    },
  },
  'block-served': {
    count: (metrics, { frameBytes, isNewcomer }) => {
      metrics.add('cairn_blocks_served_total', 1)
      metrics.add('cairn_served_bytes_total', frameBytes)
      if (isNewcomer) metrics.add('cairn_newcomer_blocks_total', 1)
    },
  },
  'serving-load': {
    count: (metrics, { blocksQueued, bytesHeld }) => {
      metrics.set('cairn_serving_queued_blocks', blocksQueued)
      metrics.set('cairn_serving_held_bytes', bytesHeld)
    },
  },
  'slow-reader-dropped': { log: 'warn', count: (metrics, { reason }) => metrics.add('cairn_slow_readers_dropped_total', 1, { reason }) },
  'block-unavailable': { log: 'warn', count: (metrics) => metrics.add('cairn_blocks_unavailable_total', 1) },
  announced: { log: 'debug' },
  'announcement-refused': { log: 'warn', count: (metrics) => metrics.add('cairn_announcements_refused_total', 1) },
} as const satisfies EventTable<SwarmEvent, typeof SWARM_METRICS>
