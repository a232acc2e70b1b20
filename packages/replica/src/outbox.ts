import type { EngineState, Message, PeerId } from '@cairn/ledger'
import { Forwards } from './forwards.ts'
import { HeldSends } from './held-sends.ts'

export interface OutboxInit {
  readonly state: Pick<EngineState, 'epoch' | 'final'>
  readonly send: (to: readonly PeerId[], message: Message) => void
  /** Somebody waits for what is on its way to the disk. */
  readonly hasten: () => void
}

/** What the engine says to others: each message once what it says is durable, operations of one turn together. */
export class Outbox {
  readonly #init: OutboxInit
  readonly #held = new HeldSends()
  readonly #forwards: Forwards
  #durable = 0

  constructor(init: OutboxInit) {
    this.#init = init
    this.#forwards = new Forwards((to, operations) => init.send(to, { type: 'operations', operations }))
  }

  /** Messages that wait for the disk. */
  get heldCount(): number {
    return this.#held.count
  }

  /** Sends `message` once everything up to token `after` is durable. */
  send(to: readonly PeerId[], message: Message, after: number): void {
    if (message.type === 'operations') return this.#forwards.add(to, message.operations)
    if (after <= this.#durable) return this.#init.send(to, message)
    this.#held.hold({ after, to, message })
    this.#init.hasten()
  }

  /** Everything up to `token` is durable; `isSilent` if nothing may be said any more. */
  durable(token: number, isSilent: boolean): void {
    this.#durable = token
    if (isSilent) return
    for (const { to, message } of this.#held.release(token, this.#init.state)) this.#init.send(to, message)
  }
}
