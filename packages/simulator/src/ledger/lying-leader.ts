import {
  type BlockHeader,
  type ChainPoint,
  EMPTY_PAYLOAD,
  type EngineState,
  headerDigest,
  type LedgerId,
  type Message,
  payloadFacts,
  pointOf,
  type Signer,
  signedBytes,
} from '@cairn/ledger'
import type { Dice } from '../kernel/dice.ts'
import type { Outgoing } from './adversary.ts'
import type { FaultCounters } from './fault-counters.ts'
import type { Trick } from './plan.ts'

/** A seat of the adversary is about to propose. */
export interface LeaderIntent {
  readonly to: readonly number[]
  readonly header: BlockHeader
  readonly state: EngineState
  readonly signer: Signer
}

/** What a leader under the adversary signs in place of its header, and who gets to see what. */
export class LyingLeader {
  readonly #dice: Dice
  readonly #tricks: ReadonlySet<Trick>
  readonly #ledger: LedgerId
  readonly #counters: FaultCounters
  /** By slot, the second header of an equivocating leader. */
  readonly #seconds = new Map<string, string>()
  /** The last header that too few got to see for a certificate. */
  #hidden: BlockHeader | undefined

  constructor(dice: Dice, tricks: ReadonlySet<Trick>, ledger: LedgerId, counters: FaultCounters) {
    this.#dice = dice
    this.#tricks = tricks
    this.#ledger = ledger
    this.#counters = counters
  }

  /** The block that this leader proposed beside the one that it believes in. */
  secondOf(epoch: number, slot: number): string | undefined {
    return this.#seconds.get(`${epoch}/${slot}`)
  }

  /** `undefined` if it proposes by the rules. */
  propose(intent: LeaderIntent): Outgoing[] | undefined {
    if (this.#does('bad-headers', 500)) return this.#say(intent, this.#spoil(intent))
    if (this.#does('fork', 600)) return this.#say(intent, childOf(intent, this.#dice.pick(openPoints(intent))))
    if (this.#does('orphan', 800)) return this.#orphan(intent)
    return this.#does('equivocate', 1000) ? this.#equivocate(intent) : undefined
  }

  #does(trick: Trick, permille: number): boolean {
    if (!this.#tricks.has(trick) || !this.#dice.chance(permille)) return false
    this.#counters.count(trick)
    return true
  }

  #say({ to, signer }: LeaderIntent, ...headers: readonly BlockHeader[]): Outgoing[] {
    return headers.flatMap((header) => {
      const message = this.#signed(header, signer)
      return to.map((node) => ({ to: node, message }))
    })
  }

  #signed(header: BlockHeader, signer: Signer): Message {
    const signature = signer.sign(signedBytes(this.#ledger, 'proposal', header.epoch, header.slot, headerDigest(header)))
    return { type: 'proposal', proposal: { header, signature } }
  }

  /** One field is not what it must be, or the parent is one on which nothing may be built. */
  #spoil({ header, state }: LeaderIntent): BlockHeader {
    const buried = state.history.at(-1 - this.#dice.between(1, 3))?.header
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
      { ...header, parentSlot: header.slot },
      { ...header, parent: 'dd'.repeat(32) },
      // Below what is final.
      buried === undefined ? { ...header, parent: 'ee'.repeat(32) } : childOf({ header, state }, pointOf(buried)),
    ])
  }

  /**
   * Builds on a header that has no certificate. Either one that it kept from most seats in a slot that was skipped for it; or one that it
   * makes up now for a slot of its own that is still open.
   */
  #orphan(intent: LeaderIntent): Outgoing[] {
    const { to, header, state, signer } = intent
    const hidden = this.#hidden
    const isOpen = hidden?.epoch === header.epoch && hidden.slot > state.final.slot && hidden.slot < header.slot
    const parent = isOpen ? hidden : this.#ghost(intent)
    if (parent === undefined) {
      this.#hidden = header
      this.#counters.count('orphan-hidden')
      const few = this.#dice.some(to, this.#dice.below(state.epoch.committee.thresholds.weak + 1))
      return this.#say({ to: few, header, state, signer }, header)
    }
    this.#counters.count('orphan-parent')
    return this.#say(intent, parent, childOf(intent, pointOf(parent)))
  }

  /** A header that nobody has seen, of an earlier open slot that this seat led. */
  #ghost({ header, state }: LeaderIntent): BlockHeader | undefined {
    for (let slot = header.slot - 1; slot > state.final.slot; slot--) {
      if (!leads(state, slot)) return undefined
      if (this.#dice.chance(500)) return childOf({ header: { ...emptied(header), slot }, state }, state.final)
    }
    return undefined
  }

  /** Two headers for one slot, split so that one side has about W, Q or F seats, which is where the rules' edges are. */
  #equivocate({ to, header, state, signer }: LeaderIntent): Outgoing[] | undefined {
    if (to.length < 2) return undefined
    const { weak, quorum, fast } = state.epoch.committee.thresholds
    const other: BlockHeader = { ...(this.#dice.chance(500) ? header : emptied(header)), time: header.time + 1 }
    this.#seconds.set(`${header.epoch}/${header.slot}`, headerDigest(other))
    const edge = this.#dice.pick([weak, quorum, fast]) + this.#dice.between(-2, 1)
    const chosen = new Set(this.#dice.some(to, Math.max(0, edge)))
    const [mine, theirs] = [this.#signed(header, signer), this.#signed(other, signer)]
    return to.flatMap((node) => {
      const both = this.#dice.chance(100)
      const first = { to: node, message: chosen.has(node) ? theirs : mine }
      return both ? [first, { to: node, message: chosen.has(node) ? mine : theirs }] : [first]
    })
  }
}

/** The header as it would be on another parent. */
function childOf({ header, state }: Pick<LeaderIntent, 'header' | 'state'>, parent: ChainPoint): BlockHeader {
  const { stateHeight } = parent
  const stateRoot = state.stateRoots.get(stateHeight) ?? '0'.repeat(64)
  const time = Math.max(header.time, parent.time)
  return { ...header, parentSlot: parent.slot, parent: parent.digest, height: parent.height + 1, time, stateHeight, stateRoot }
}

/** The last final block, whatever has been certified since, and any block that was ever proposed since. */
function openPoints({ header, state }: LeaderIntent): ChainPoint[] {
  const parents: ChainPoint[] = [state.final]
  for (let slot = state.final.slot + 1; slot < header.slot; slot++) {
    for (const digest of state.slots.get(slot)?.blocks ?? []) {
      const block = state.blocks.get(digest)
      if (block !== undefined) parents.push(pointOf(block.header))
    }
  }
  return parents
}

function emptied(header: BlockHeader): BlockHeader {
  const { root, bytesCount } = payloadFacts(EMPTY_PAYLOAD)
  return { ...header, payloadRoot: root, payloadBytes: bytesCount, operationsCount: 0 }
}

function leads({ leaders, epoch, init, seat }: EngineState, slot: number): boolean {
  const turn = Math.floor((slot - epoch.base.slot - 1) / init.settings.termSlots)
  return leaders[turn % leaders.length] === seat
}
