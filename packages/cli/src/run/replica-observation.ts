import type { Evidence } from '@cairn/ledger'
import type { EventTable, MetricTable, StatusReport } from '@cairn/observability'
import { readinessOf, type ReplicaEvent, type ReplicaLoad } from '@cairn/replica'

/** Where a replica is, reported when somebody asks. */
export type ObservedReplicaEvent = ReplicaEvent | { readonly type: 'ledger-load'; readonly load: ReplicaLoad }

/** From an in-memory committee to one across the world that lost its leader. */
const LATENCY_BUCKETS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30]
/** From a disk with a write cache to one that fails. */
const DISK_BUCKETS = [0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1]

export const REPLICA_METRICS = {
  cairn_ledger_finality_seconds: {
    type: 'histogram',
    help: 'Time from when a header was known here until its block was final, by what made it final',
    labels: ['path'],
    buckets: LATENCY_BUCKETS,
  },
  cairn_ledger_submit_seconds: {
    type: 'histogram',
    help: 'Time from when a client handed in an operation until it was answered',
    labels: ['outcome'],
    buckets: LATENCY_BUCKETS,
  },
  cairn_ledger_fast_missed_total: { type: 'counter', help: 'Blocks that final votes made final first', labels: ['reason'] },
  cairn_ledger_skip_votes_total: { type: 'counter', help: 'Slots that this seat voted to skip', labels: ['reason'] },
  cairn_ledger_operations_rejected_total: { type: 'counter', help: 'Operations not taken', labels: ['reason'] },
  cairn_ledger_operations_applied_total: { type: 'counter', help: 'Operations of applied blocks' },
  cairn_ledger_apply_seconds: { type: 'histogram', help: 'Time to apply a block', buckets: DISK_BUCKETS },
  cairn_ledger_fsync_seconds: { type: 'histogram', help: 'Time to make a group of log entries durable', buckets: DISK_BUCKETS },
  cairn_ledger_log_entries_total: { type: 'counter', help: 'Log entries made durable' },
  cairn_ledger_log_bytes_total: { type: 'counter', help: 'Bytes of the log made durable' },
  cairn_ledger_sent_bytes_total: { type: 'counter', help: 'Bytes sent to other replicas', labels: ['class'] },
  cairn_ledger_received_bytes_total: { type: 'counter', help: 'Bytes received from other replicas', labels: ['class'] },
  cairn_ledger_dropped_messages_total: {
    type: 'counter',
    help: 'Messages left out: the queue was full, or the peer away',
    labels: ['class'],
  },
  cairn_ledger_malformed_messages_total: { type: 'counter', help: 'Messages that are none; each costs its peer the stream' },
  cairn_ledger_evidence_total: { type: 'counter', help: 'Proofs that a seat signed what excludes each other' },
  cairn_ledger_snapshots_installed_total: { type: 'counter', help: 'States fetched and put in place, because the blocks were gone' },
  cairn_ledger_snapshot_pages_total: { type: 'counter', help: 'Pages fetched for states that were put in place' },
  cairn_ledger_snapshot_lies_total: { type: 'counter', help: 'Answers with pages that were not asked for, or none of the state' },
  cairn_ledger_epoch: { type: 'gauge', help: 'Epoch that this replica is in' },
  cairn_ledger_slot: { type: 'gauge', help: 'Slot that this replica is in' },
  cairn_ledger_final_height: { type: 'gauge', help: 'Height of the newest block that is final here' },
  cairn_ledger_applied_height: { type: 'gauge', help: 'Height of the newest block that is applied here' },
  cairn_ledger_checkpoint_height: { type: 'gauge', help: 'Height of the newest certified checkpoint' },
  cairn_ledger_final_age_seconds: { type: 'gauge', help: "Age of the newest final block, by its leader's clock and this one's" },
  cairn_ledger_halted: { type: 'gauge', help: '1 if final blocks contradicted each other, so that the replica stopped' },
  cairn_ledger_pool_operations: { type: 'gauge', help: 'Operations that wait to be proposed' },
  cairn_ledger_pool_bytes: { type: 'gauge', help: 'Bytes of the operations that wait to be proposed' },
  cairn_ledger_operations_unchecked: { type: 'gauge', help: 'Operations whose signatures wait for a thread' },
  cairn_ledger_clients_waiting: { type: 'gauge', help: 'Clients that wait for what becomes of their operations' },
  cairn_ledger_readers_waiting: { type: 'gauge', help: 'Readers that wait until what is applied here is fresh' },
  cairn_ledger_sends_held: { type: 'gauge', help: 'Messages that wait for the disk' },
  cairn_ledger_blocks_unapplied: { type: 'gauge', help: 'Final blocks that wait for the disk' },
  cairn_ledger_held: { type: 'gauge', help: 'Things in memory: none of them grows with the height', labels: ['what'] },
  cairn_ledger_queued_messages: { type: 'gauge', help: 'Messages that wait for other replicas', labels: ['class'] },
  cairn_ledger_queued_bytes: { type: 'gauge', help: 'Bytes that wait for other replicas', labels: ['class'] },
  cairn_ledger_seat_behind_slots: { type: 'gauge', help: 'Slots since a seat was last heard of', labels: ['seat'] },
  cairn_ledger_clock_offset_seconds: {
    type: 'gauge',
    help: "How far a leader's clock was ahead of this one when its last header came, less the time that the header took",
    labels: ['leader'],
  },
} as const satisfies MetricTable

const seconds = (ms: number): number => ms / 1000

export const REPLICA_RULES = {
  queued: {},
  duplicate: {},
  rejected: { count: (metrics, { reason }) => metrics.add('cairn_ledger_operations_rejected_total', 1, { reason }) },
  'slot-entered': {},
  'skip-voted': { log: 'debug', count: (metrics, { reason }) => metrics.add('cairn_ledger_skip_votes_total', 1, { reason }) },
  final: {
    count(metrics, { fastMissed }) {
      if (fastMissed !== undefined) metrics.add('cairn_ledger_fast_missed_total', 1, { reason: fastMissed })
    },
  },
  evidence: {
    log: 'error',
    fields: ({ evidence }) => ({ kind: evidence.type, seat: seatOf(evidence) ?? null }),
    count: (metrics) => metrics.add('cairn_ledger_evidence_total', 1),
  },
  'epoch-ended': { log: 'info', fields: ({ epoch, point }) => ({ epoch, height: point.height }) },
  'epoch-started': { log: 'info', fields: ({ start, seat }) => ({ epoch: start.number, seat: seat ?? null }) },
  halted: { log: 'error' },
  synced: {
    count(metrics, { entries, bytes, durationMs }) {
      metrics.observe('cairn_ledger_fsync_seconds', seconds(durationMs))
      metrics.add('cairn_ledger_log_entries_total', entries)
      metrics.add('cairn_ledger_log_bytes_total', bytes)
    },
  },
  dropped: { count: (metrics, { kind }) => metrics.add('cairn_ledger_dropped_messages_total', 1, { class: kind }) },
  malformed: { log: 'warn', count: (metrics) => metrics.add('cairn_ledger_malformed_messages_total', 1) },
  applied: {
    count(metrics, { operations, durationMs }) {
      metrics.observe('cairn_ledger_apply_seconds', seconds(durationMs))
      metrics.add('cairn_ledger_operations_applied_total', operations)
    },
  },
  'proposal-seen': {
    count: (metrics, { leader, offsetMs }) => metrics.set('cairn_ledger_clock_offset_seconds', seconds(offsetMs), { leader: `${leader}` }),
  },
  finality: { count: (metrics, { path, durationMs }) => metrics.observe('cairn_ledger_finality_seconds', seconds(durationMs), { path }) },
  answered: {
    count: (metrics, { outcome, durationMs }) => metrics.observe('cairn_ledger_submit_seconds', seconds(durationMs), { outcome }),
  },
  sent: { count: (metrics, { kind, bytes }) => metrics.add('cairn_ledger_sent_bytes_total', bytes, { class: kind }) },
  received: { count: (metrics, { kind, bytes }) => metrics.add('cairn_ledger_received_bytes_total', bytes, { class: kind }) },
  'snapshot-begun': { log: 'info' },
  'snapshot-lie': { log: 'warn', count: (metrics) => metrics.add('cairn_ledger_snapshot_lies_total', 1) },
  'snapshot-left': { log: 'info' },
  'state-rebuilt': { log: 'warn' },
  'snapshot-installed': {
    log: 'info',
    count(metrics, { fetched }) {
      metrics.add('cairn_ledger_snapshots_installed_total', 1)
      metrics.add('cairn_ledger_snapshot_pages_total', fetched)
    },
  },
  diverged: { log: 'error' },
  'ledger-load': {
    count(metrics, { load }) {
      metrics.set('cairn_ledger_epoch', load.epoch)
      metrics.set('cairn_ledger_slot', load.slot)
      metrics.set('cairn_ledger_final_height', load.finalHeight)
      metrics.set('cairn_ledger_applied_height', load.appliedHeight)
      metrics.set('cairn_ledger_checkpoint_height', load.checkpointHeight)
      metrics.set('cairn_ledger_final_age_seconds', seconds(load.finalAgeMs))
      metrics.set('cairn_ledger_halted', load.isHalted ? 1 : 0)
      metrics.set('cairn_ledger_pool_operations', load.poolOperations)
      metrics.set('cairn_ledger_pool_bytes', load.poolBytes)
      metrics.set('cairn_ledger_operations_unchecked', load.operationsUnchecked)
      metrics.set('cairn_ledger_clients_waiting', load.clientsWaiting)
      metrics.set('cairn_ledger_readers_waiting', load.readersWaiting)
      metrics.set('cairn_ledger_sends_held', load.sendsHeld)
      metrics.set('cairn_ledger_blocks_unapplied', load.blocksUnapplied)
      for (const [kind, { messages, bytes }] of Object.entries(load.links)) {
        metrics.set('cairn_ledger_queued_messages', messages, { class: kind })
        metrics.set('cairn_ledger_queued_bytes', bytes, { class: kind })
      }
      for (const [what, count] of Object.entries(load.held)) metrics.set('cairn_ledger_held', count, { what })
      for (const { seat, behindSlots } of load.seats) metrics.set('cairn_ledger_seat_behind_slots', behindSlots, { seat: `${seat}` })
    },
  },
} as const satisfies EventTable<ObservedReplicaEvent, typeof REPLICA_METRICS>

/** Whom it convicts; certificates that exclude each other convict nobody by name. */
function seatOf(evidence: Evidence): number | undefined {
  if (evidence.type === 'votes') return evidence.first.seat
  return evidence.type === 'proposals' ? evidence.seat : undefined
}

interface WhereReachable {
  readonly peer: string
  readonly addresses: readonly string[]
  readonly connected: readonly string[]
  readonly chain: string
}

/** What `/status` answers, but for what every daemon adds. */
export function replicaStatus(
  load: ReplicaLoad,
  { peer, addresses, connected, chain }: WhereReachable,
): Omit<StatusReport, 'version' | 'uptimeMs'> {
  const { epoch, slot, seat, finalHeight, appliedHeight, checkpointHeight, seats } = load
  return {
    role: 'replica',
    peer,
    addresses,
    ...readinessOf(load),
    snapshots: [],
    peers: [],
    ledger: {
      chain,
      epoch,
      slot,
      finalHeight,
      appliedHeight,
      checkpointHeight,
      ...(seat !== undefined && { seat }),
      seats: seats.map((each) => ({
        seat: each.seat,
        peer: each.peer,
        state: each.isSelf ? 'self' : connected.includes(each.peer) ? 'connected' : 'disconnected',
        behindSlots: each.behindSlots,
      })),
    },
  }
}
