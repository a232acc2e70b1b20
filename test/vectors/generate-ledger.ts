// Writes ledger.json beside this file. Run it by hand, and only to approve a new format: `node test/vectors/generate-ledger.ts`.
import { writeFileSync } from 'node:fs'
import { type CertificateKind, encodeCertificate, signedBytes, SIGNED_KINDS, type SignedKind, signVote, SKIP, type VoteKind } from '@cairn/ledger'
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
  committee: committeeOf('bft-7', signers).hash,
}
writeFileSync(new URL('ledger.json', import.meta.url), `${JSON.stringify(vectors, null, 2)}\n`)
