import {
  type BlockHeader,
  type Certificate,
  type ChainPoint,
  type Committee,
  createCommittee,
  createState,
  DEFAULT_SETTINGS,
  EMPTY_PAYLOAD,
  EMPTY_PAYLOAD_ROOT,
  type EngineEvent,
  type EngineState,
  type Effect,
  headerDigest,
  type LedgerId,
  type LogRecord,
  type Message,
  payloadFacts,
  pointOf,
  PRESETS,
  type PresetName,
  SKIP,
  taggedDigest,
  type Vote,
  type VoteKind,
  ZERO_DIGEST,
} from '@cairn/ledger'
import { ChainChecker } from '../../src/ledger/chain-checker.ts'
import { Checker } from '../../src/ledger/checker.ts'
import { type Anchor, SimulatedDisk } from '../../src/ledger/disk.ts'
import { simulatedKeys } from '../../src/ledger/keys.ts'
import { VoteChecker } from '../../src/ledger/vote-checker.ts'

const LEDGER: LedgerId = { networkId: taggedDigest('staged-network'), chainId: 1 }
const TICK: EngineEvent = { type: 'start' }

export const BASE: ChainPoint = {
  digest: taggedDigest('staged-genesis'),
  epoch: 0,
  slot: 0,
  height: 0,
  time: 0,
  stateHeight: 0,
  nextCommittee: ZERO_DIGEST,
}

type SlotState = EngineState['slots'] extends Map<number, infer Slot> ? Slot : never

interface StagedReplica {
  readonly node: number
  readonly state: EngineState
  readonly disk: SimulatedDisk
}

/** Replicas that do nothing by themselves, and a checker that is told what the test says that they did. */
export class Stage {
  readonly checker: Checker
  readonly committee: Committee
  readonly replicas: readonly StagedReplica[]

  constructor(preset: PresetName) {
    const keys = simulatedKeys(1)
    const size = PRESETS[preset]
    const signers = Array.from({ length: size.n }, (_, seat) => keys.signer(`${seat}`))
    const members = signers.map(({ publicKey }, seat) => ({ peer: String(seat), publicKey, role: 'full' as const }))
    this.committee = createCommittee(size, members)
    this.checker = new Checker(new ChainChecker(BASE), new VoteChecker(), () => true)
    this.replicas = signers.map((signer, node) => {
      const state = createState({
        ledger: LEDGER,
        settings: DEFAULT_SETTINGS,
        role: 'full',
        self: String(node),
        start: { number: 0, committee: this.committee, base: BASE },
        verifier: keys.verifier,
        signerOf: (key) => (Buffer.compare(key, signer.publicKey) === 0 ? signer : undefined),
        policyRoot: ZERO_DIGEST,
      })
      return { node, state, disk: new SimulatedDisk() }
    })
    for (const replica of this.replicas) this.checker.restarted(replica)
  }

  /** An empty block on `parent`, known to everyone. */
  block(slot: number, parent: ChainPoint, over: Partial<BlockHeader> = {}): BlockHeader {
    const header: BlockHeader = {
      epoch: 0,
      slot,
      height: parent.height + 1,
      parentSlot: parent.slot,
      parent: parent.digest,
      payloadRoot: EMPTY_PAYLOAD_ROOT,
      payloadBytes: payloadFacts(EMPTY_PAYLOAD).bytesCount,
      operationsCount: 0,
      time: parent.time,
      policyRoot: ZERO_DIGEST,
      stateHeight: 0,
      stateRoot: ZERO_DIGEST,
      nextCommittee: ZERO_DIGEST,
      ...over,
    }
    this.checker.chain.learnHeader(header)
    return header
  }

  vote(seat: number, kind: VoteKind, slot: number, digest: string, epoch = 0): Vote {
    return { kind, epoch, slot, digest, seat, signature: new Uint8Array(64) }
  }

  /** Votes that nobody is held to: what follows from all of them is what is checked. */
  cast(kind: VoteKind, slot: number, digest: string, seats: readonly number[]): void {
    for (const seat of seats) this.checker.votes.add(this.vote(seat, kind, slot, digest), false)
  }

  /** All seats first-vote the block: it is notarised, and final by the fast path. */
  certify(header: BlockHeader): ChainPoint {
    this.cast('first', header.slot, headerDigest(header), [...this.replicas.keys()])
    return pointOf(header)
  }

  skip(slot: number): void {
    this.cast('first', slot, SKIP, [...this.replicas.keys()])
  }

  durable(node: number, ...records: readonly LogRecord[]): void {
    this.checker.synced(this.#of(node), records)
  }

  /** The vote is on disk, and leaves. */
  says(node: number, kind: VoteKind, slot: number, digest: string, epoch = 0): void {
    this.durable(node, { type: 'vote', epoch, slot, kind, digest })
    this.leaves(node, { type: 'vote', vote: this.vote(node, kind, slot, digest, epoch) })
  }

  leaves(node: number, message: Message): void {
    this.checker.left(this.#of(node), message)
  }

  does(node: number, ...effects: readonly Effect[]): void {
    this.checker.stepped(this.#of(node), TICK, effects)
  }

  writes(node: number, ...records: readonly LogRecord[]): void {
    this.does(node, { type: 'persist', records, token: 1 })
  }

  finalises(node: number, point: ChainPoint): void {
    this.does(node, { type: 'emit', event: { type: 'final', point, path: 'fast' } })
  }

  applies(node: number, point: ChainPoint, stateRoot = taggedDigest(`state ${point.height}`), operations: readonly string[] = []): void {
    this.checker.applied(this.#of(node), { point, stateRoot, operations })
  }

  /** A fetched state of the block `of`, said to be of `point`, is on the disk; unless it is not new the checker is told. */
  installs(node: number, point: ChainPoint, stateRoot: string, { of = point, isNew = true } = {}): void {
    const replica = this.#of(node)
    replica.disk.install(this.#anchor(point), [{ point: of, stateRoot, operations: [] }])
    if (isNew) this.checker.installed(replica, this.#anchor(point))
  }

  /** All of its log is gone, for the sake of `point`. */
  forgets(node: number, point: ChainPoint): void {
    this.checker.pruned(this.#of(node), this.#anchor(point))
  }

  /** An open slot of a replica in which nothing has happened yet. */
  slot(node: number, slot: number): SlotState {
    const { n } = this.committee.size
    const fresh: SlotState = {
      slot,
      first: Array.from({ length: n }),
      extras: Array.from({ length: n }, () => []),
      finals: Array.from({ length: n }),
      certificates: [],
      blocks: [],
      own: { first: undefined, extras: [], final: undefined },
      proposed: undefined,
      timedOut: false,
    }
    this.#of(node).state.slots.set(slot, fresh)
    return fresh
  }

  restarts(node: number): void {
    this.checker.restarted(this.#of(node))
  }

  certificate(kind: Certificate['kind'], slot: number, digest: string, signers: readonly (readonly [number, VoteKind])[]): Certificate {
    const signature = new Uint8Array(64)
    return { kind, epoch: 0, slot, digest, signers: signers.map(([seat, vote]) => ({ seat, vote, signature })) }
  }

  #anchor(point: ChainPoint): Anchor {
    return { start: { number: 0, committee: this.committee, base: BASE }, point }
  }

  #of(node: number): StagedReplica {
    return this.replicas[node]!
  }
}
