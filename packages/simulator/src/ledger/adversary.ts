import {
  type BatchItem,
  type Certificate,
  type CertificateKind,
  type CertificateSigner,
  type Committee,
  createCommittee,
  type EngineState,
  type LedgerId,
  type Message,
  type Signer,
  signVote,
  SKIP,
  type Vote,
  type VoteKind,
} from '@cairn/ledger'
import type { Dice } from '../kernel/dice.ts'
import type { FaultCounters } from './fault-counters.ts'
import { LyingLeader } from './lying-leader.ts'
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

/** What the adversary works with. */
export interface AdversaryWorld {
  readonly ledger: LedgerId
  readonly counters: FaultCounters
  /** Told of every vote that the adversary signs. */
  readonly register: (vote: Vote) => void
  /** The same vote as its seat signs it on another chain, where the same keys serve. */
  readonly elsewhere: (vote: Vote) => Vote
}

/** Old messages kept for replays. */
const MEMORY_MAX = 200
const LATELY_SLOTS = 4

/** Turns what the rules would have a seat say into what suits the adversary: its signatures are good, its words need not be. */
export class Adversary {
  readonly #dice: Dice
  readonly #tricks: ReadonlySet<Trick>
  readonly #ledger: LedgerId
  readonly #counters: FaultCounters
  readonly #memory: Message[] = []
  /** Votes of the newest slots. */
  #lately: Vote[] = []
  #latelyEpoch = 0
  /** Votes of the epoch before, said to be of this one. */
  #before: Vote[] = []
  #junk = 0
  readonly #leader: LyingLeader
  readonly #register: (vote: Vote) => void
  readonly #elsewhere: (vote: Vote) => Vote

  constructor(dice: Dice, tricks: ReadonlySet<Trick>, world: AdversaryWorld) {
    this.#dice = dice
    this.#tricks = tricks
    this.#ledger = world.ledger
    this.#counters = world.counters
    this.#leader = new LyingLeader(dice, tricks, world.ledger, world.counters)
    this.#register = world.register
    this.#elsewhere = world.elsewhere
  }

  speak(intent: Intent): Outgoing[] {
    const { to, message } = intent
    if (this.#memory.length < MEMORY_MAX) this.#memory.push(message)
    else if (this.#dice.chance(200)) this.#memory[this.#dice.below(MEMORY_MAX)] = message
    const out = this.#twist(intent)
    if (this.#tricks.has('relabel'))
      for (const vote of this.#fromBefore(intent.state)) for (const node of to) out.push({ to: node, message: { type: 'vote', vote } })
    if (this.#does('replay', 100)) out.push(...to.slice(0, 1).map((node) => ({ to: node, message: this.#replayed(intent.state) })))
    return out.filter(({ message }) => !this.#isWithheld(message))
  }

  #isWithheld({ type }: Message): boolean {
    if (this.#does('withhold', 400)) return true
    return (type === 'certificate' || type === 'batch') && this.#does('hide-certificates', 900)
  }

  #does(trick: Trick, permille: number): boolean {
    if (!this.#tricks.has(trick) || !this.#dice.chance(permille)) return false
    this.#counters.count(trick)
    return true
  }

  #replayed(state: EngineState): Message {
    const message = this.#dice.pick(this.#memory)
    if (message.type === 'vote' && message.vote.epoch < state.epoch.number) this.#counters.count('replay-old-epoch')
    return message
  }

  #twist({ to, message, state, signer }: Intent): Outgoing[] {
    const plain = to.map((node) => ({ to: node, message }))
    if (signer === undefined || state.seat === undefined) return plain
    switch (message.type) {
      case 'proposal':
        return this.#leader.propose({ to, header: message.proposal.header, state, signer }) ?? plain
      case 'vote':
        return [...this.#twistVote(to, message.vote, state, signer, plain)]
      case 'batch':
        return this.#does('lie-in-sync', 1000) ? to.map((node) => ({ to: node, message: this.#lie(message, state, signer) })) : plain
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

  #twistVote(to: readonly number[], vote: Vote, state: EngineState, signer: Signer, plain: Outgoing[]): Outgoing[] {
    const out = [...plain]
    const say = (kind: VoteKind, digest: string, slot: number, who: readonly number[]): void => {
      const other = signVote(this.#ledger, signer, { kind, epoch: vote.epoch, slot, digest, seat: vote.seat })
      this.#register(other)
      for (const node of who) out.push({ to: node, message: { type: 'vote', vote: other } })
    }
    // A twin's half of the others may be empty.
    const someone = (): number[] => (to.length === 0 ? [] : this.#dice.some(to, this.#dice.between(1, to.length)))
    const twin = this.#leader.secondOf(vote.epoch, vote.slot)
    const known = state.slots.get(vote.slot)?.blocks ?? []
    if (twin !== undefined && vote.digest !== SKIP) {
      // Each side hears of the votes for its own block.
      const half = someone()
      out.splice(0, out.length, ...plain.filter(({ to }) => !half.includes(to)))
      say(vote.kind, twin, vote.slot, half)
    }
    if (vote.kind === 'first' && this.#does('double-first', 1000)) {
      const other = vote.digest === SKIP ? known[0] : SKIP
      const half = someone()
      if (other !== undefined) {
        out.splice(0, out.length, ...out.filter(({ to }) => !half.includes(to)))
        say('first', other, vote.slot, half)
      }
    }
    if (this.#does('final-and-extra', 1000)) {
      if (vote.digest !== SKIP) say('final', vote.digest, vote.slot, someone())
      say('extra', SKIP, vote.slot, someone())
    }
    if (this.#does('vote-for-all', 1000)) {
      for (const digest of [...known, SKIP]) {
        say('first', digest, vote.slot, someone())
        say('extra', digest, vote.slot, someone())
        if (digest !== SKIP) say('final', digest, vote.slot, someone())
      }
    }
    if (this.#does('forge-votes', 300)) {
      const seat = this.#dice.below(state.epoch.committee.size.n)
      const kind = this.#dice.pick<VoteKind>(['first', 'extra', 'final'])
      const digest = kind === 'final' ? (known[0] ?? vote.digest) : this.#dice.pick([vote.digest, SKIP, ...known])
      const forged: Vote = { ...vote, seat, kind, digest, signature: new Uint8Array(64) }
      for (const node of someone()) out.push({ to: node, message: { type: 'vote', vote: forged } })
    }
    if (this.#does('forge-certificates', 300)) {
      for (const node of someone()) out.push({ to: node, message: { type: 'certificate', certificate: this.#forge(vote, state) } })
    }
    if (this.#does('flood-stale', 300)) {
      const junk = (): Message => ({ type: 'payload', payload: [{ id: `junk-${this.#junk++}`, body: new Uint8Array(8) }] })
      for (let count = 0; count < 4; count++) for (const node of to) out.push({ to: node, message: junk() })
      for (let count = 0; count < 8; count++) {
        const slot = Math.max(1, state.current + this.#dice.between(-30, 60))
        say(this.#dice.pick(['first', 'extra', 'final']), this.#dice.pick([SKIP, 'ee'.repeat(32), 'dd'.repeat(32)]), slot, someone())
      }
    }
    if (this.#does('relabel', 400)) {
      const other = this.#relabel(vote, state)
      for (const node of someone()) out.push({ to: node, message: { type: 'vote', vote: other } })
    }
    if (this.#does('other-chain', 400)) {
      const seat = this.#dice.below(state.epoch.committee.size.n)
      const kind = this.#dice.pick<VoteKind>(['first', 'extra', 'final'])
      const digest = kind === 'final' ? (known[0] ?? vote.digest) : this.#dice.pick([vote.digest, SKIP, ...known])
      const foreign = this.#elsewhere({ ...vote, seat, kind, digest })
      for (const node of someone()) out.push({ to: node, message: { type: 'vote', vote: foreign } })
    }
    return out
  }

  /** Votes that seats cast beyond the end of the epoch before, said to be of this one: again and again, while their slots are open in it. */
  #fromBefore({ epoch, current, slots }: EngineState): Vote[] {
    if (epoch.number !== this.#latelyEpoch) this.#before = this.#lately.map((vote) => ({ ...vote, epoch: epoch.number }))
    this.#latelyEpoch = epoch.number
    this.#lately = []
    for (let slot = current; slot >= current - LATELY_SLOTS; slot--) {
      const cast = slots.get(slot)
      if (cast !== undefined)
        this.#lately.push(...[...cast.first, ...cast.extras.flat(), ...cast.finals].filter((vote) => vote !== undefined))
    }
    this.#before = this.#before.filter(({ slot }) => slot >= current)
    if (this.#before.length > 0) this.#counters.count('relabel-epoch')
    return this.#before
  }

  /** A vote that somebody cast, said to be of another kind, slot, epoch or seat, or for something else: the signature is a good one. */
  #relabel(own: Vote, state: EngineState): Vote {
    const slot = state.slots.get(own.slot)
    const cast = [...(slot?.first ?? []), ...(slot?.extras.flat() ?? []), ...(slot?.finals ?? [])].filter((vote) => vote !== undefined)
    const vote = cast.length === 0 ? own : this.#dice.pick(cast)
    const kinds = (['first', 'extra', 'final'] as const).filter((kind) => kind !== vote.kind && (kind !== 'final' || vote.digest !== SKIP))
    const others = [SKIP, ...(slot?.blocks ?? [])].filter((digest) => digest !== vote.digest && (vote.kind !== 'final' || digest !== SKIP))
    const kind = this.#dice.pick(kinds)
    return this.#dice.pick<Vote>([
      { ...vote, kind },
      { ...vote, kind },
      { ...vote, slot: vote.slot + 1 },
      { ...vote, epoch: vote.epoch + 1 },
      { ...vote, seat: this.#dice.below(state.epoch.committee.size.n) },
      { ...vote, digest: others.length === 0 ? 'ee'.repeat(32) : this.#dice.pick(others) },
    ])
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

  /** Nothing, too little, a bad certificate, one that says more than was signed or that is another's, a false height, or a false committee. */
  #lie(message: Extract<Message, { readonly type: 'batch' }>, state: EngineState, signer: Signer): Message {
    const withCertificate = (change: (certificate: Certificate) => Certificate): Message => ({
      ...message,
      items: message.items.map((item): BatchItem => {
        const { certificate } = item
        return certificate === undefined ? item : { ...item, certificate: change(certificate) }
      }),
    })
    const kind = this.#dice.pick<CertificateKind>(['fast', 'final'])
    const others = message.items.flatMap(({ certificate }) => (certificate === undefined ? [] : [certificate]))
    return this.#dice.pick<Message>([
      { ...message, items: [] },
      { ...message, items: message.items.slice(1) },
      withCertificate((certificate) => ({ ...certificate, kind: 'fast', signers: certificate.signers.slice(0, 1) })),
      withCertificate((certificate) => ({ ...certificate, kind })),
      withCertificate((certificate) => ({ ...this.#dice.pick(others), digest: certificate.digest, slot: certificate.slot })),
      { ...message, items: message.items.map((item) => ({ ...item, committee: usurped(state.epoch.committee, signer) })) },
      { ...message, height: message.height + 1000 },
    ])
  }
}

/** A committee with the same numbers in which one key has every seat that it can have. */
function usurped({ size, members }: Committee, { publicKey }: Signer): Committee {
  const key = (seat: number): Uint8Array => Uint8Array.from(publicKey, (byte) => byte ^ seat)
  return createCommittee(
    size,
    members.map((member, seat) => ({ ...member, publicKey: key(seat) })),
  )
}
