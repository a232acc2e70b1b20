import {
  type BatchItem,
  type BlockHeader,
  type Certificate,
  type CertificateKind,
  type CertificateSigner,
  EMPTY_PAYLOAD,
  type EngineState,
  headerDigest,
  type LedgerId,
  type Message,
  payloadFacts,
  type Signer,
  signedBytes,
  signVote,
  SKIP,
  type Vote,
  type VoteKind,
} from '@cairn/ledger'
import type { Dice } from '../kernel/dice.ts'
import type { Trick } from './plan.ts'

/** One message that the adversary lets out. */
export interface Outgoing {
  readonly to: number
  readonly message: Message
}

/** What a seat under the adversary is about to say, and to whom. */
export interface Intent {
  readonly to: readonly number[]
  readonly message: Message
  readonly state: EngineState
  readonly signer: Signer | undefined
}

/** Old messages kept for replays. */
const MEMORY_MAX = 200

/** Turns what the rules would have a seat say into what suits the adversary: its signatures are good, its words need not be. */
export class Adversary {
  readonly #dice: Dice
  readonly #tricks: ReadonlySet<Trick>
  readonly #ledger: LedgerId
  readonly #memory: Message[] = []
  /** By slot, the second header of an equivocating leader. */
  readonly #twins = new Map<string, string>()
  readonly #register: (vote: Vote) => void

  constructor(dice: Dice, tricks: ReadonlySet<Trick>, ledger: LedgerId, register: (vote: Vote) => void) {
    this.#dice = dice
    this.#tricks = tricks
    this.#ledger = ledger
    this.#register = register
  }

  speak(intent: Intent): Outgoing[] {
    const { to, message } = intent
    if (this.#memory.length < MEMORY_MAX) this.#memory.push(message)
    const out = this.#twist(intent)
    if (this.#tricks.has('replay') && this.#dice.chance(100)) {
      out.push(...to.slice(0, 1).map((node) => ({ to: node, message: this.#dice.pick(this.#memory) })))
    }
    return out.filter(({ message }) => !this.#isWithheld(message))
  }

  #isWithheld({ type }: Message): boolean {
    if (this.#tricks.has('withhold') && this.#dice.chance(400)) return true
    return this.#tricks.has('hide-certificates') && (type === 'certificate' || type === 'batch') && this.#dice.chance(900)
  }

  #twist({ to, message, state, signer }: Intent): Outgoing[] {
    const plain = to.map((node) => ({ to: node, message }))
    if (signer === undefined || state.seat === undefined) return plain
    switch (message.type) {
      case 'proposal':
        return this.#twistProposal(to, message.proposal.header, state, signer) ?? plain
      case 'vote':
        return [...this.#twistVote(to, message.vote, state, signer, plain)]
      case 'batch':
        return this.#tricks.has('lie-in-sync') ? to.map((node) => ({ to: node, message: this.#lie(message) })) : plain
      case 'payload':
      case 'certificate':
      case 'fetch':
      case 'operations':
      case 'ready':
      case 'committee':
      case 'evidence':
        return plain
      default:
        return message satisfies never
    }
  }

  #twistProposal(to: readonly number[], header: BlockHeader, state: EngineState, signer: Signer): Outgoing[] | undefined {
    if (this.#tricks.has('bad-headers') && this.#dice.chance(500)) {
      const message = this.#signed(this.#spoil(header), signer)
      return to.map((node) => ({ to: node, message }))
    }
    return this.#tricks.has('equivocate') ? this.#equivocate(to, header, state, signer) : undefined
  }

  /** One field is not what it must be. */
  #spoil(header: BlockHeader): BlockHeader {
    return this.#dice.pick<BlockHeader>([
      { ...header, height: header.height + 1 },
      { ...header, time: Math.max(0, header.time - 600_000) },
      { ...header, time: header.time + 600_000 },
      { ...header, stateRoot: 'cc'.repeat(32) },
      { ...header, stateHeight: header.height + 3 },
      { ...header, nextCommittee: 'bb'.repeat(32) },
      { ...header, operationsCount: header.operationsCount + 1 },
      { ...header, policyRoot: 'aa'.repeat(32) },
      { ...header, parentSlot: Math.max(0, header.parentSlot - 1) },
    ])
  }

  #signed(header: BlockHeader, signer: Signer): Message {
    const signature = signer.sign(signedBytes(this.#ledger, 'proposal', header.epoch, header.slot, headerDigest(header)))
    return { type: 'proposal', proposal: { header, signature } }
  }

  /** Two headers for one slot, split so that one side has about W, Q or F seats, which is where the rules' edges are. */
  #equivocate(to: readonly number[], header: BlockHeader, state: EngineState, signer: Signer): Outgoing[] | undefined {
    if (to.length < 2) return undefined
    const { weak, quorum, fast } = state.epoch.committee.thresholds
    const { root, bytesCount } = payloadFacts(EMPTY_PAYLOAD)
    const other: BlockHeader = this.#dice.chance(500)
      ? { ...header, time: header.time + 1 }
      : { ...header, payloadRoot: root, payloadBytes: bytesCount, operationsCount: 0, time: header.time + 1 }
    this.#twins.set(`${header.epoch}/${header.slot}`, headerDigest(other))
    const edge = this.#dice.pick([weak, quorum, fast]) + this.#dice.between(-2, 1)
    const chosen = new Set(this.#dice.some(to, Math.max(0, edge)))
    const [mine, theirs] = [this.#signed(header, signer), this.#signed(other, signer)]
    return to.flatMap((node) => {
      const both = this.#dice.chance(100)
      const first = { to: node, message: chosen.has(node) ? theirs : mine }
      return both ? [first, { to: node, message: chosen.has(node) ? mine : theirs }] : [first]
    })
  }

  #twistVote(to: readonly number[], vote: Vote, state: EngineState, signer: Signer, plain: Outgoing[]): Outgoing[] {
    const out = [...plain]
    const say = (kind: VoteKind, digest: string, slot: number, who: readonly number[]): void => {
      const other = signVote(this.#ledger, signer, { kind, epoch: vote.epoch, slot, digest, seat: vote.seat })
      this.#register(other)
      for (const node of who) out.push({ to: node, message: { type: 'vote', vote: other } })
    }
    const someone = (): number[] => this.#dice.some(to, this.#dice.between(1, to.length))
    const twin = this.#twins.get(`${vote.epoch}/${vote.slot}`)
    const known = state.slots.get(vote.slot)?.blocks ?? []
    if (this.#tricks.has('equivocate') && twin !== undefined && vote.digest !== SKIP) {
      // Each side hears of the votes for its own block.
      const half = someone()
      out.splice(0, out.length, ...plain.filter(({ to }) => !half.includes(to)))
      say(vote.kind, twin, vote.slot, half)
    }
    if (this.#tricks.has('double-first') && vote.kind === 'first') {
      const other = vote.digest === SKIP ? known[0] : SKIP
      const half = someone()
      if (other !== undefined) {
        out.splice(0, out.length, ...out.filter(({ to }) => !half.includes(to)))
        say('first', other, vote.slot, half)
      }
    }
    if (this.#tricks.has('final-and-extra')) {
      if (vote.digest !== SKIP) say('final', vote.digest, vote.slot, someone())
      say('extra', SKIP, vote.slot, someone())
    }
    if (this.#tricks.has('vote-for-all')) {
      for (const digest of [...known, SKIP]) {
        say('first', digest, vote.slot, someone())
        say('extra', digest, vote.slot, someone())
        if (digest !== SKIP) say('final', digest, vote.slot, someone())
      }
    }
    if (this.#tricks.has('forge-votes') && this.#dice.chance(300)) {
      const seat = this.#dice.below(state.epoch.committee.size.n)
      const kind = this.#dice.pick<VoteKind>(['first', 'extra', 'final'])
      const digest = kind === 'final' ? (known[0] ?? vote.digest) : this.#dice.pick([vote.digest, SKIP, ...known])
      const forged: Vote = { ...vote, seat, kind, digest, signature: new Uint8Array(64) }
      for (const node of someone()) out.push({ to: node, message: { type: 'vote', vote: forged } })
    }
    if (this.#tricks.has('forge-certificates') && this.#dice.chance(300)) {
      for (const node of someone()) out.push({ to: node, message: { type: 'certificate', certificate: this.#forge(vote, state) } })
    }
    if (this.#tricks.has('flood-stale') && this.#dice.chance(300)) {
      for (let count = 0; count < 8; count++) {
        const slot = Math.max(1, state.current + this.#dice.between(-30, 60))
        say(this.#dice.pick(['first', 'extra', 'final']), this.#dice.pick([SKIP, 'ee'.repeat(32), 'dd'.repeat(32)]), slot, someone())
      }
    }
    return out
  }

  /** From votes that there are, a certificate that they do not suffice for. */
  #forge(vote: Vote, state: EngineState): Certificate {
    const slot = state.slots.get(vote.slot)
    const { size, thresholds } = state.epoch.committee
    const kind: CertificateKind = vote.digest === SKIP ? 'skip' : this.#dice.pick<CertificateKind>(['notar', 'fast', 'final'])
    const votes = Array.from({ length: size.n }, (_, seat) => [slot?.first[seat], ...(slot?.extras[seat] ?? []), slot?.finals[seat]])
    const good = votes.flatMap((each, seat) => {
      const found = each.find((known) => known?.digest === vote.digest)
      return found === undefined ? [] : [{ seat, vote: found.kind, signature: found.signature }]
    })
    const seats = Array.from({ length: Math.min(size.n, thresholds.fast) }, (_, seat) => seat)
    const made: CertificateSigner = { seat: vote.seat, vote: kind === 'final' ? 'final' : 'first', signature: vote.signature }
    const signers = this.#dice.pick<readonly CertificateSigner[]>([
      good,
      seats.map((seat) => ({ ...made, seat })),
      seats.map(() => made),
      seats.map((seat) => good.find((each) => each.seat === seat) ?? { ...made, seat }),
    ])
    return { kind, epoch: vote.epoch, slot: vote.slot, digest: vote.digest, signers }
  }

  /** Nothing, too little, with a bad certificate, or with a false height. */
  #lie(message: Extract<Message, { readonly type: 'batch' }>): Message {
    const spoil = (item: BatchItem): BatchItem => {
      const { certificate } = item
      if (certificate === undefined) return item
      return { ...item, certificate: { ...certificate, kind: 'fast', signers: certificate.signers.slice(0, 1) } }
    }
    return this.#dice.pick<Message>([
      { ...message, items: [] },
      { ...message, items: message.items.slice(1) },
      { ...message, items: message.items.map(spoil) },
      { ...message, height: message.height + 1000 },
    ])
  }
}
