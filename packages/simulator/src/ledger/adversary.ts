import {
  type BatchItem,
  type BlockHeader,
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
        return this.#tricks.has('equivocate') ? this.#equivocate(to, message.proposal.header, state, signer) ?? plain : plain
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
    const sign = (each: BlockHeader): Message => ({
      type: 'proposal',
      proposal: { header: each, signature: signer.sign(signedBytes(this.#ledger, 'proposal', each.epoch, each.slot, headerDigest(each))) },
    })
    const [mine, theirs] = [sign(header), sign(other)]
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
    if (this.#tricks.has('flood-stale') && this.#dice.chance(300)) {
      for (let count = 0; count < 8; count++) {
        const slot = Math.max(1, state.current + this.#dice.between(-30, 60))
        say(this.#dice.pick(['first', 'extra', 'final']), this.#dice.pick([SKIP, 'ee'.repeat(32), 'dd'.repeat(32)]), slot, someone())
      }
    }
    return out
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
