import type { Certificate } from '../../src/certificate.ts'
import { PRESETS } from '../../src/committee.ts'
import type { LogRecord, Message, Ready, SignedHeader } from '../../src/engine/messages.ts'
import type { Vote } from '../../src/votes.ts'
import { committeeOf, digestOf, signersOf } from '../fixtures.ts'

const committee = committeeOf('cft-3', signersOf(PRESETS['cft-3'].n))
const signature = (byte: number): Uint8Array => new Uint8Array(64).fill(byte)
const point = { digest: digestOf(9), epoch: 1, slot: 2, height: 3, time: 2 ** 41, stateHeight: 2, nextCommittee: digestOf(0) }
const proposal = (slot: number): SignedHeader => ({
  header: {
    epoch: 1,
    slot,
    height: 4,
    parentSlot: 2,
    parent: digestOf(1),
    payloadRoot: digestOf(2),
    payloadBytes: 5,
    operationsCount: 6,
    time: 2 ** 41,
    policyRoot: digestOf(3),
    stateHeight: 3,
    stateRoot: digestOf(4),
    nextCommittee: digestOf(5),
  },
  signature: signature(slot),
})
const vote = (kind: Vote['kind'], seat: number): Vote => ({
  kind,
  epoch: 1,
  slot: 2 ** 40,
  digest: digestOf(6),
  seat,
  signature: signature(7),
})
const certificate = (slot: number): Certificate => ({
  kind: 'notar',
  epoch: 1,
  slot,
  digest: digestOf(8),
  signers: [
    { seat: 0, vote: 'first', signature: signature(1) },
    { seat: 2, vote: 'extra', signature: signature(2) },
  ],
})
const ready: Ready = { epoch: 1, committee: digestOf(1), publicKey: new Uint8Array(32).fill(3), signature: signature(4) }
const payload = [
  { id: 'one', body: Uint8Array.of(1, 2, 3) },
  { id: 'zwei', body: new Uint8Array(0) },
]

/** One of each message, and of each of its forms. */
export const messages: readonly Message[] = [
  { type: 'proposal', proposal: proposal(3) },
  { type: 'payload', payload },
  { type: 'payload', payload: [] },
  { type: 'vote', vote: vote('first', 0) },
  { type: 'vote', vote: vote('extra', 63) },
  { type: 'vote', vote: vote('final', 1) },
  { type: 'certificate', certificate: certificate(5) },
  { type: 'fetch', want: { type: 'sync', height: 7, slot: 8 } },
  { type: 'fetch', want: { type: 'block', digest: digestOf(1) } },
  { type: 'fetch', want: { type: 'payload', root: digestOf(2) } },
  { type: 'fetch', want: { type: 'committee', hash: digestOf(3) } },
  { type: 'fetch', want: { type: 'slot', slot: 4 } },
  { type: 'batch', height: 9, items: [] },
  {
    type: 'batch',
    height: 9,
    items: [
      { proposal: proposal(1) },
      { certificate: certificate(2) },
      { committee },
      {},
      { proposal: proposal(1), certificate: certificate(1), committee },
    ],
  },
  { type: 'operations', operations: payload },
  { type: 'ready', ready },
  { type: 'committee', committee, readies: [ready, ready] },
  { type: 'evidence', evidence: { type: 'votes', first: vote('first', 1), second: vote('final', 1) } },
  { type: 'evidence', evidence: { type: 'proposals', seat: 2, first: proposal(1), second: proposal(2) } },
  { type: 'evidence', evidence: { type: 'certificates', first: certificate(1), second: certificate(2) } },
]

/** One of each record of the log. */
export const records: readonly LogRecord[] = [
  { type: 'vote', epoch: 1, slot: 2, kind: 'extra', digest: digestOf(3) },
  { type: 'proposed', epoch: 1, slot: 2, digest: digestOf(3) },
  { type: 'block', proposal: proposal(4) },
  { type: 'payload', payload },
  { type: 'certificate', certificate: certificate(1) },
  { type: 'committee', committee },
  { type: 'epoch', start: { number: 2, committee, base: point } },
  { type: 'ready', ready },
]
