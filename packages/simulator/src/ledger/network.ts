import type { Message } from '@cairn/ledger'
import type { Dice } from '../kernel/dice.ts'
import type { Kernel } from '../kernel/kernel.ts'
import type { Plan } from './plan.ts'

/** Directed links between nodes, each with its own weather. */
export class SimulatedNetwork {
  readonly #kernel: Kernel
  readonly #plan: Plan
  readonly #dice: Dice
  readonly #deliver: (from: number, to: number, message: Message) => void
  readonly #busyUntil: number[]
  readonly #deaf: boolean[]
  /** Group of each node; messages cross no border. One-way: only from a higher group to a lower one. */
  #groups: readonly number[] | undefined
  #oneWay = false
  #healed = false

  constructor(kernel: Kernel, plan: Plan, dice: Dice, deliver: (from: number, to: number, message: Message) => void) {
    this.#kernel = kernel
    this.#plan = plan
    this.#dice = dice
    this.#deliver = deliver
    const links = plan.nodesCount ** 2
    this.#busyUntil = Array.from({ length: links }, () => 0)
    this.#deaf = Array.from({ length: links }, () => plan.deafTo !== undefined && dice.chance(300))
  }

  partition(groups: readonly number[] | undefined, oneWay: boolean): void {
    this.#groups = groups
    this.#oneWay = oneWay
  }

  /** No more loss, no more borders: what the liveness phase promises. */
  heal(): void {
    this.#healed = true
    this.#groups = undefined
  }

  send(from: number, to: number, message: Message): void {
    const { plan, dice } = { plan: this.#plan, dice: this.#dice }
    if (this.#healed) return this.#arrive(from, to, message, dice.between(plan.delayMsMin, plan.delayMsMin + 5))
    if (!this.#passes(from, to) || dice.chance(plan.loss)) return
    const link = from * plan.nodesCount + to
    if (this.#deaf[link] === true && message.type === plan.deafTo) return
    let delay = dice.between(plan.delayMsMin, plan.delayMsMax)
    if (dice.chance(plan.straggling)) delay += dice.below(plan.straggleMs)
    if (plan.bandwidth > 0) {
      const backlog = Math.max(this.#busyUntil[link]! - this.#kernel.now, 0)
      if (backlog * plan.bandwidth > plan.queueBytesMax) return
      const busy = backlog + Math.ceil(sizeOf(message) / plan.bandwidth)
      this.#busyUntil[link] = this.#kernel.now + busy
      delay += busy
    }
    this.#arrive(from, to, message, delay)
    if (dice.chance(plan.duplication)) this.#arrive(from, to, message, delay + dice.below(plan.delayMsMax + 200))
  }

  #arrive(from: number, to: number, message: Message, delay: number): void {
    this.#kernel.schedule(delay, () => this.#deliver(from, to, message))
  }

  #passes(from: number, to: number): boolean {
    const groups = this.#groups
    if (groups === undefined || groups[from] === groups[to]) return true
    return this.#oneWay && groups[from]! > groups[to]!
  }
}

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
