import { type Checkpoint, checkpointDigest, checkpointStatement, type CheckpointHeader } from '../../src/checkpoint/checkpoint.ts'
import { HistoryTree } from '../../src/checkpoint/history.ts'
import { type QuorumSignature, signStatement } from '../../src/checkpoint/quorum-signature.ts'
import { type Committee, type CommitteeSize, createCommittee, PRESETS, type PresetName, type Role } from '../../src/committee.ts'
import { taggedDigest, ZERO_DIGEST } from '../../src/digest.ts'
import type { LedgerId } from '../../src/envelope.ts'
import { deltaBetween } from '../../src/epoch-chain/committee-delta.ts'
import { type EpochRecord, epochStatement } from '../../src/epoch-chain/epoch-record.ts'
import { signReady } from '../../src/epoch-chain/ready.ts'
import type { LightProof, TrustRoot } from '../../src/light-client/light-client.ts'
import { ed25519Signer, type Signer } from '../../src/signing.ts'
import { LEDGER } from '../fixtures.ts'

/** A committee with its keys. */
export interface TestCommittee {
  readonly committee: Committee
  readonly signers: readonly Signer[]
}

export interface TestChain {
  readonly root: TrustRoot
  readonly proof: LightProof
  /** By epoch. */
  readonly committees: readonly TestCommittee[]
}

export const NOT_AFTER = Date.UTC(2030, 0)
export const BLOCKS_PER_EPOCH = 3

/** The signer of key number `index`. */
export function signerOf(index: number): Signer {
  const seed = Buffer.alloc(32)
  seed.writeUInt32BE(index)
  return ed25519Signer(seed)
}

export function committeeWith(size: PresetName | CommitteeSize, keys: readonly number[], roles: readonly Role[] = []): TestCommittee {
  const signers = keys.map(signerOf)
  const members = signers.map(({ publicKey }, seat) => ({ peer: `peer ${keys[seat]}`, publicKey, role: roles[seat] ?? ('full' as const) }))
  return { committee: createCommittee(typeof size === 'string' ? PRESETS[size] : size, members), signers }
}

/** A ledger of `epochs` ended epochs, in each of which the oldest seat is replaced. */
export function chainOf(preset: PresetName, epochs: number, ledger: LedgerId = LEDGER): TestChain {
  const { n } = PRESETS[preset]
  const keys = Array.from({ length: n }, (_, seat) => seat)
  const committees = [committeeWith(preset, keys)]
  for (let epoch = 1; epoch <= epochs; epoch++) {
    keys[epoch % n] = n + epoch
    committees.push(committeeWith(preset, keys))
  }
  const history = new HistoryTree()
  history.append(blockDigest(1))
  const [first, last] = [committees[0]!, committees.at(-1)!]
  const trusted = headerOf(ledger, 0, 1, first.committee, history)
  const records = committees.slice(1).map((next, epoch) => recordOf(ledger, epoch, committees[epoch]!, next))
  for (let height = 2; height <= epochs * BLOCKS_PER_EPOCH + 2; height++) history.append(blockDigest(height))
  const header = headerOf(ledger, epochs, history.size, last.committee, history)
  return {
    root: { ...ledger, epoch: 0, committee: first.committee.hash, checkpoint: checkpointDigest(trusted), notAfter: NOT_AFTER },
    proof: {
      committee: first.committee,
      trusted,
      epochs: records,
      newest: certify(ledger, header, last),
      consistency: history.consistency(1),
    },
    committees,
  }
}

export function headerOf(ledger: LedgerId, epoch: number, height: number, committee: Committee, history: HistoryTree): CheckpointHeader {
  return {
    ...ledger,
    epoch,
    slot: height,
    height,
    parent: ZERO_DIGEST,
    payloadRoot: taggedDigest('payload', Uint8Array.of(height)),
    stateRoot: taggedDigest('state', Uint8Array.of(height)),
    stateHeight: height - 1,
    historyRoot: history.root(),
    historySize: history.size,
    outboxRoot: ZERO_DIGEST,
    inboxRoot: ZERO_DIGEST,
    policyRoot: ZERO_DIGEST,
    committee: committee.hash,
    nextCommittee: ZERO_DIGEST,
  }
}

export function recordOf(ledger: LedgerId, epoch: number, from: TestCommittee, to: TestCommittee): EpochRecord {
  const endHeight = (epoch + 1) * BLOCKS_PER_EPOCH
  const record = {
    epoch,
    endSlot: endHeight,
    endHeight,
    endBlock: blockDigest(endHeight),
    committee: from.committee.hash,
    nextCommittee: to.committee.hash,
  }
  const old = new Set(from.committee.members.map(({ publicKey }) => Buffer.from(publicKey).toString('hex')))
  const ready = [...to.signers.entries()]
    .filter(([, { publicKey }]) => !old.has(Buffer.from(publicKey).toString('hex')))
    .map(([seat, signer]) => ({ seat, signature: signReady(ledger, signer, epoch, to.committee.hash) }))
  const statement = epochStatement(record)
  return {
    ...record,
    delta: deltaBetween(from.committee, to.committee),
    ready,
    signatures: quorumOf(from, (signer) => signStatement(ledger, signer, statement)),
  }
}

export function certify(ledger: LedgerId, header: CheckpointHeader, by: TestCommittee): Checkpoint {
  return { header, signatures: quorumOf(by, (signer) => signStatement(ledger, signer, checkpointStatement(header))) }
}

/** Signatures of the last seats that are a quorum. */
export function quorumOf({ committee, signers }: TestCommittee, sign: (signer: Signer) => Uint8Array): QuorumSignature {
  const first = signers.length - committee.thresholds.quorum
  return signers.slice(first).map((signer, index) => ({ seat: first + index, signature: sign(signer) }))
}

export function blockDigest(height: number): string {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32BE(height)
  return taggedDigest('block', bytes)
}
