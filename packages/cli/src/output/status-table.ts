import type { LedgerStatus, PeerStatus, SeatStatus, SnapshotStatus, StatusReport } from '@cairn/observability'
import { formatBytes, formatDuration, formatPercent, formatRate, printable } from './format.ts'
import { type Column, renderTable } from './table.ts'

/** One daemon for people: who it is and whether it is ready, its snapshots, its peers, its ledger. */
export function renderStatus(url: string, report: StatusReport): string {
  const { role, ready, reason, peer, version, uptimeMs, addresses, snapshots, peers, ledger } = report
  const head = [
    `${printable(role)} at ${url}: ${ready ? 'ready' : 'not ready'}, ${printable(reason)}`,
    `  peer ${printable(peer)}, version ${printable(version)}, up ${formatDuration(uptimeMs)}`,
    ...addresses.map((address) => `  listening ${printable(address)}`),
  ]
  const parts = [head.join('\n')]
  if (snapshots.length > 0) parts.push(renderTable(SNAPSHOT_COLUMNS, snapshots.map(snapshotRow)))
  if (peers.length > 0) parts.push(renderTable(PEER_COLUMNS, peers.map(peerRow)))
  if (ledger !== undefined) parts.push(ledgerLines(ledger), renderTable(SEAT_COLUMNS, ledger.seats.map(seatRow)))
  return parts.join('\n\n')
}

const SNAPSHOT_COLUMNS: readonly Column[] = [
  { title: 'SNAPSHOT' },
  { title: 'STAGE' },
  { title: 'DONE', align: 'right' },
  { title: 'OF', align: 'right' },
  { title: 'RATE', align: 'right' },
  { title: 'LEFT', align: 'right' },
  { title: 'NOTE' },
]

function snapshotRow({ ledger, height, stage, bytes, bytesTotal, bytesPerSecond, etaMs, stall }: SnapshotStatus): readonly string[] {
  const rate = bytesPerSecond === undefined ? '' : formatRate(bytesPerSecond)
  const left = etaMs === undefined ? '' : formatDuration(etaMs)
  return [`${ledger}@${height}`, stage, formatPercent(bytes, bytesTotal), formatBytes(bytesTotal), rate, left, stall ?? '']
}

const PEER_COLUMNS: readonly Column[] = [
  { title: 'PEER' },
  { title: 'STATE' },
  { title: 'FETCHED', align: 'right' },
  { title: 'SERVED', align: 'right' },
  { title: 'FAULTS', align: 'right' },
  { title: 'LAST FAULT' },
  { title: 'DROPPED' },
]

function peerRow({ peer, state, bytesFetched, bytesServed, faultsCount, fault, dropped }: PeerStatus): readonly string[] {
  return [peer, state, formatBytes(bytesFetched), formatBytes(bytesServed), String(faultsCount), fault ?? '', dropped ?? '']
}

function ledgerLines({ chain, epoch, slot, seat, finalHeight, appliedHeight, checkpointHeight }: LedgerStatus): string {
  return [
    `  ledger ${printable(chain)}, ${seat === undefined ? 'no seat' : `seat ${seat}`}, epoch ${epoch}, slot ${slot}`,
    `  final height ${finalHeight}, applied ${appliedHeight}, checkpoint ${checkpointHeight === 0 ? 'none yet' : checkpointHeight}`,
  ].join('\n')
}

const SEAT_COLUMNS: readonly Column[] = [
  { title: 'SEAT', align: 'right' },
  { title: 'PEER' },
  { title: 'STATE' },
  { title: 'SLOTS BEHIND', align: 'right' },
]

function seatRow({ seat, peer, state, behindSlots }: SeatStatus): readonly string[] {
  return [String(seat), peer, state, String(behindSlots)]
}
