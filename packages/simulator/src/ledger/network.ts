import type { Message } from '@cairn/ledger'
import type { Dice } from '../kernel/dice.ts'
import type { Kernel } from '../kernel/kernel.ts'
import type { FaultCounters } from './fault-counters.ts'
import type { Plan } from './plan.ts'

/** Directed links between nodes, each with its own weather. */
export class SimulatedNetwork {
  readonly #kernel: Kernel
  readonly #plan: Plan
  readonly #dice: Dice
  readonly #deliver: (from: number, to: number, message: Message) => void
  readonly #counters: FaultCounters
  readonly #busyUntil: number[]
  readonly #deaf: boolean[]
  /** What each link adds to every delay: one way of a pair may be far and the other near. */
  readonly #farMs: number[]
  /** By link, while there are borders. */
  #cut: readonly boolean[] | undefined
  #healed = false

  constructor(
    kernel: Kernel,
    plan: Plan,
    dice: Dice,
    counters: FaultCounters,
    deliver: (from: number, to: number, message: Message) => void,
  ) {
    this.#kernel = kernel
    this.#plan = plan
    this.#dice = dice
    this.#counters = counters
    this.#deliver = deliver
    const links = plan.nodesCount ** 2
    this.#busyUntil = Array.from({ length: links }, () => 0)
    this.#deaf = Array.from({ length: links }, () => plan.deafTo !== undefined && dice.chance(300))
    this.#farMs = Array.from({ length: links }, () => dice.between(0, plan.farMsMax))
  }

  /** Draws borders: between two groups in both directions or in one, around one node, or through single links so that some reach only some. */
  partition(): void {
    const { dice, plan } = { dice: this.#dice, plan: this.#plan }
    const nodes = plan.nodesCount
    const groups = Array.from({ length: nodes }, () => dice.below(2))
    const alone = dice.below(nodes)
    const kind = dice.pick<PartitionKind>(['split', 'split', 'one-way', 'alone', 'partial'])
    const isCut: Readonly<Record<PartitionKind, (from: number, to: number) => boolean>> = {
      split: (from, to) => groups[from] !== groups[to],
      'one-way': (from, to) => groups[from]! < groups[to]!,
      alone: (from, to) => from === alone || to === alone,
      partial: () => dice.chance(350),
    }
    this.#cut = Array.from({ length: nodes ** 2 }, (_, link) => isCut[kind](Math.floor(link / nodes), link % nodes))
    this.#counters.count(`partition-${kind}`)
  }

  /** Draws a border around one node. */
  cutOff(node: number): void {
    const nodes = this.#plan.nodesCount
    this.#cut = Array.from({ length: nodes ** 2 }, (_, link) => (Math.floor(link / nodes) === node) !== (link % nodes === node))
  }

  /** Whether what `from` sends can reach `to` at the moment. */
  isOpen(from: number, to: number): boolean {
    return this.#cut?.[from * this.#plan.nodesCount + to] !== true
  }

  unite(): void {
    this.#cut = undefined
  }

  /** No more loss, no more borders: what the liveness phase promises. Far stays far. */
  heal(): void {
    this.#healed = true
    this.#cut = undefined
  }

  send(from: number, to: number, message: Message): void {
    const { plan, dice } = { plan: this.#plan, dice: this.#dice }
    const link = from * plan.nodesCount + to
    if (this.#healed) return this.#arrive(from, to, message, dice.between(plan.delayMsMin, plan.delayMsMin + 5) + this.#farMs[link]!)
    if (this.#cut?.[link] === true) return this.#counters.count('cut')
    if (dice.chance(plan.loss)) return this.#counters.count('lost')
    if (this.#deaf[link] === true && message.type === plan.deafTo) return this.#counters.count('filtered')
    let delay = dice.between(plan.delayMsMin, plan.delayMsMax) + this.#farMs[link]!
    if (dice.chance(plan.straggling)) {
      delay += dice.below(plan.straggleMs)
      this.#counters.count('straggled')
    }
    if (plan.bandwidth > 0) {
      const backlog = Math.max(this.#busyUntil[link]! - this.#kernel.now, 0)
      if (backlog * plan.bandwidth > plan.queueBytesMax) return this.#counters.count('queue-full')
      const busy = backlog + Math.ceil(sizeOf(message) / plan.bandwidth)
      this.#busyUntil[link] = this.#kernel.now + busy
      delay += busy
    }
    this.#arrive(from, to, message, delay)
    if (!dice.chance(plan.duplication)) return
    this.#counters.count('duplicated')
    this.#arrive(from, to, message, delay + dice.below(plan.delayMsMax + 200))
  }

  #arrive(from: number, to: number, message: Message, delay: number): void {
    this.#kernel.schedule(delay, () => this.#deliver(from, to, message))
  }
}

type PartitionKind = 'split' | 'one-way' | 'alone' | 'partial'

/** About what the message takes on the wire. */
function sizeOf(message: Message): number {
  switch (message.type) {
    case 'proposal':
      return 400
    case 'payload':
      return 10 + message.payload.reduce((sum, { body }) => sum + 40 + body.byteLength, 0)
    case 'vote':
      return 150
    case 'certificate':
      return 800
    case 'batch':
      return 100 + message.items.length * 1000
    case 'operations':
      return message.operations.length * 60
    case 'fetch':
    case 'ready':
    case 'committee':
    case 'evidence':
      return 300
    default:
      return message satisfies never
  }
}
