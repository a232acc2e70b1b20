import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { describe, it } from 'node:test'
import * as fc from 'fast-check'
import {
  type Certificate,
  CERTIFICATE_KINDS,
  type CertificateKind,
  decodeCertificate,
  encodeCertificate,
  verifyCertificate,
} from '../src/certificate.ts'
import { createCommittee, PRESETS } from '../src/committee.ts'
import { ENVELOPE_BYTES, signedBytes, type SignedKind } from '../src/envelope.ts'
import { LedgerError, type LedgerFault } from '../src/errors.ts'
import { ed25519Verifier } from '../src/signing.ts'
import { signVote, SKIP, verifyVote, type VoteKind } from '../src/votes.ts'
import { committeeOf, digestOf, LEDGER, signersOf } from './fixtures.ts'

const signers = signersOf(7)
const committee = committeeOf('bft-7', signers)
const verifier = ed25519Verifier()
const vectors = JSON.parse(readFileSync(new URL('../../../test/vectors/ledger.json', import.meta.url), 'utf8')) as {
  envelopes: { kind: SignedKind; epoch: number; slot: number; digest: string; hex: string }[]
  certificates: { kind: CertificateKind; hex: string }[]
  committee: string
}

function certificate(kind: CertificateKind, votes: readonly (readonly [seat: number, vote: VoteKind])[], epoch = 3, slot = 9): Certificate {
  const digest = kind === 'skip' ? SKIP : digestOf(5)
  return {
    kind,
    epoch,
    slot,
    digest,
    signers: votes.map(([seat, vote]) => {
      const { signature } = signVote(LEDGER, signers[seat]!, { kind: vote, epoch, slot, digest, seat })
      return { seat, vote, signature }
    }),
  }
}

const seats = (count: number, vote: VoteKind): (readonly [number, VoteKind])[] => Array.from({ length: count }, (_, seat) => [seat, vote])

function fault(run: () => unknown): LedgerFault {
  try {
    run()
  } catch (error) {
    assert.ok(error instanceof LedgerError, String(error))
    return error.fault
  }
  return assert.fail('nothing was thrown')
}

const check = (value: Certificate, of = committee): void => verifyCertificate(LEDGER, of, verifier, value)
const refuses = (value: Certificate): void => assert.equal(fault(() => check(value)).code, 'BAD_CERTIFICATE')

describe('a certificate', () => {
  it('needs exactly its quorum', () => {
    check(certificate('notar', [...seats(3, 'first'), [4, 'extra'], [6, 'extra']]))
    check(certificate('skip', seats(5, 'first')))
    check(certificate('final', seats(5, 'final')))
    check(certificate('fast', seats(6, 'first')))
    refuses(certificate('notar', seats(4, 'first')))
    refuses(certificate('skip', seats(4, 'extra')))
    refuses(certificate('final', seats(4, 'final')))
    refuses(certificate('fast', seats(5, 'first')))
  })

  it('counts only votes of its kind', () => {
    refuses(certificate('fast', [...seats(6, 'first'), [6, 'extra']]))
    refuses(certificate('final', [...seats(5, 'final'), [6, 'first']]))
    refuses(certificate('notar', [...seats(5, 'first'), [6, 'final']]))
    refuses({ ...certificate('notar', seats(5, 'first')), digest: SKIP })
    refuses({ ...certificate('skip', seats(5, 'first')), digest: digestOf(5) })
  })

  it('counts a seat once, and only seats that there are', () => {
    const good = certificate('notar', seats(5, 'first'))
    refuses({ ...good, signers: [...good.signers.slice(0, 4), good.signers[3]!] })
    refuses({ ...good, signers: good.signers.toReversed() })
    refuses({ ...good, signers: [...good.signers.slice(0, 4), { ...good.signers[4]!, seat: 7 }] })
  })

  it('binds epoch, slot, digest and ledger', () => {
    const good = certificate('notar', seats(5, 'first'))
    refuses({ ...good, epoch: 4 })
    refuses({ ...good, slot: 10 })
    refuses({ ...good, digest: digestOf(6) })
    assert.throws(() => verifyCertificate({ ...LEDGER, chainId: 8 }, committee, verifier, good), LedgerError)
    assert.throws(() => verifyCertificate({ ...LEDGER, networkId: digestOf(1) }, committee, verifier, good), LedgerError)
  })

  it('for a block needs D payload holders among its signers', () => {
    const witnesses = createCommittee(
      { n: 9, f: 1, c: 1, p: 1 },
      signersOf(9).map(({ publicKey }, seat) => ({ peer: `p${seat}`, publicKey, role: seat < 4 ? 'vote-witness' : 'full' })),
    )
    // Q = 6 and D = 3: four witnesses and two holders are a quorum that may hold the payload nowhere alive.
    const digest = digestOf(5)
    const of = (kind: 'notar' | 'skip', chosen: readonly number[]): Certificate => {
      const about = { kind: 'first' as const, epoch: 0, slot: 1, digest: kind === 'skip' ? SKIP : digest }
      const all = signersOf(9)
      return {
        ...about,
        kind,
        signers: chosen.map((seat) => ({ seat, vote: 'first', signature: signVote(LEDGER, all[seat]!, { ...about, seat }).signature })),
      }
    }
    refusesUnder(of('notar', [0, 1, 2, 3, 4, 5]))
    check(of('notar', [0, 1, 2, 4, 5, 6]), witnesses)
    check(of('skip', [0, 1, 2, 3, 4, 5]), witnesses)
    function refusesUnder(value: Certificate): void {
      assert.equal(fault(() => check(value, witnesses)).code, 'BAD_CERTIFICATE')
    }
  })

  it('is decoded from what it was encoded to, and from nothing else', () => {
    const kinds = fc.constantFrom(...CERTIFICATE_KINDS)
    const chosen = fc.uniqueArray(fc.integer({ min: 0, max: 63 }), { minLength: 1, maxLength: 12 })
    fc.assert(
      fc.property(kinds, chosen, fc.array(fc.boolean(), { minLength: 12, maxLength: 12 }), (kind, seats, extras) => {
        const value: Certificate = {
          kind,
          epoch: 1,
          slot: 2 ** 40,
          digest: digestOf(1),
          signers: seats
            .toSorted((a, b) => a - b)
            .map((seat, index) => ({
              seat,
              vote: kind === 'final' ? 'final' : kind !== 'fast' && extras[index] ? 'extra' : 'first',
              signature: new Uint8Array(64).fill(seat),
            })),
        }
        const bytes = encodeCertificate(value)
        assert.deepEqual(decodeCertificate(bytes), value)
        assert.throws(() => decodeCertificate(bytes.subarray(1)), LedgerError)
        assert.equal(fault(() => decodeCertificate(bytes.subarray(0, -1))).code, 'MALFORMED')
        assert.equal(fault(() => decodeCertificate(Buffer.concat([bytes, new Uint8Array(1)]))).code, 'MALFORMED')
      }),
    )
  })

  it('is refused if another encoding of it would do as well', () => {
    const bytes = Buffer.from(encodeCertificate(certificate('skip', seats(5, 'first'))))
    const longer = Buffer.from(bytes)
    longer[49] = 6
    assert.equal(fault(() => decodeCertificate(longer)).code, 'MALFORMED')
    const unsigned = Buffer.from(bytes)
    unsigned[51] = 0x80
    assert.equal(fault(() => decodeCertificate(unsigned)).code, 'MALFORMED')
    const wide = Buffer.from(bytes)
    wide[49] = 255
    assert.equal(fault(() => decodeCertificate(wide)).code, 'TOO_LARGE')
  })
})

describe('a vote', () => {
  const about = { kind: 'first', epoch: 1, slot: 2, digest: digestOf(9), seat: 3 } as const
  it('is its seat’s own, of its kind, and never a final vote to skip', () => {
    const vote = signVote(LEDGER, signers[3]!, about)
    assert.equal(verifyVote(LEDGER, committee, verifier, vote), true)
    assert.equal(verifyVote(LEDGER, committee, verifier, { ...vote, kind: 'extra' }), false)
    assert.equal(verifyVote(LEDGER, committee, verifier, { ...vote, seat: 4 }), false)
    assert.equal(verifyVote(LEDGER, committee, verifier, { ...vote, seat: 7 }), false)
    assert.equal(verifyVote(LEDGER, committee, verifier, { ...vote, signature: new Uint8Array(3) }), false)
    const skip = signVote(LEDGER, signers[3]!, { ...about, kind: 'final', digest: SKIP })
    assert.equal(verifyVote(LEDGER, committee, verifier, skip), false)
  })
})

describe('the bytes', () => {
  it('that are signed are pinned', () => {
    for (const { kind, epoch, slot, digest, hex } of vectors.envelopes) {
      const bytes = signedBytes(LEDGER, kind, epoch, slot, digest)
      assert.equal(bytes.byteLength, ENVELOPE_BYTES)
      assert.equal(Buffer.from(bytes).toString('hex'), hex)
    }
  })
  it('of certificates are pinned', () => {
    for (const { kind, hex } of vectors.certificates) {
      const value = decodeCertificate(Buffer.from(hex, 'hex'))
      assert.equal(value.kind, kind)
      check(value)
      assert.equal(Buffer.from(encodeCertificate(value)).toString('hex'), hex)
    }
  })
  it('of a committee are pinned by its hash', () =>
    assert.equal(createCommittee(PRESETS['bft-7'], committee.members).hash, vectors.committee))
})
