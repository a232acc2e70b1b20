// Writes ledger.json beside this file. Run it by hand, and only to approve a new format: `node test/vectors/generate-ledger.ts`.
import { writeFileSync } from 'node:fs'
import { EMPTY_PAYLOAD_ROOT, SIGNED_KINDS, SKIP, encodeCertificate, encodeHeader, encodePayload, headerDigest, payloadFacts, signVote, signedBytes, type BlockHeader, type CertificateKind, type Payload, type SignedKind, type VoteKind } from '@cairn/ledger'
import { committeeOf, digestOf, LEDGER, signersOf } from '../../packages/ledger/test/fixtures.ts'

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex')
const signers = signersOf(7)

function certificate(kind: CertificateKind, votes: readonly VoteKind[]): { kind: CertificateKind; hex: string } {
  const digest = kind === 'skip' ? SKIP : digestOf(5)
  const about = { epoch: 3, slot: 2 ** 33 + 1, digest }
  const signed = votes.map((vote, seat) => {
    const { signature } = signVote(LEDGER, signers[seat]!, { ...about, kind: vote, seat })
    return { seat, vote, signature }
  })
  return { kind, hex: hex(encodeCertificate({ ...about, kind, signers: signed })) }
}

const HEADER: BlockHeader = {
  epoch: 2,
  slot: 2 ** 33 + 7,
  height: 2 ** 33,
  parentSlot: 2 ** 33 + 4,
  parent: digestOf(2),
  payloadRoot: digestOf(3),
  payloadBytes: 1000,
  operationsCount: 3,
  time: 1_700_000_000_000,
  policyRoot: digestOf(4),
  stateHeight: 2 ** 33 - 2,
  stateRoot: digestOf(5),
  nextCommittee: digestOf(6),
}
const PAYLOAD: Payload = [
  { id: 'a', body: new Uint8Array([1, 2, 3]) },
  { id: 'größe', body: new Uint8Array(0) },
]

const first = Array.from({ length: 6 }, (): VoteKind => 'first')
const vectors = {
  envelopes: Object.keys(SIGNED_KINDS).map((kind, index) => {
    const about = { kind: kind as SignedKind, epoch: index, slot: 2 ** 40 + index, digest: digestOf(index) }
    return { ...about, hex: hex(signedBytes(LEDGER, about.kind, about.epoch, about.slot, about.digest)) }
  }),
  certificates: [
    certificate('notar', ['first', 'extra', 'first', 'first', 'extra']),
    certificate('skip', ['extra', 'extra', 'first', 'first', 'first', 'first']),
    certificate('fast', first),
    certificate('final', first.map(() => 'final')),
  ],
  header: { fields: HEADER, hex: hex(encodeHeader(HEADER)), digest: headerDigest(HEADER) },
  payload: {
    operations: PAYLOAD.map(({ id, body }) => ({ id, body: hex(body) })),
    hex: hex(encodePayload(PAYLOAD)),
    root: payloadFacts(PAYLOAD).root,
    emptyRoot: EMPTY_PAYLOAD_ROOT,
  },
  committee: committeeOf('bft-7', signers).hash,
}
writeFileSync(new URL('ledger.json', import.meta.url), `${JSON.stringify(vectors, null, 2)}\n`)
