import type { EngineState, Message, PeerId } from '@cairn/ledger'

interface HeldSend {
  /** Durable before it may leave. */
  readonly after: number
  readonly to: readonly PeerId[]
  readonly message: Message
}

/** Messages that wait until what they say is durable, in order. */
export class HeldSends {
  #held: HeldSend[] = []

  get count(): number {
    return this.#held.length
  }

  hold(send: HeldSend): void {
    this.#held.push(send)
  }

  /** Takes those that may leave once everything up to `token` is durable; what has been overtaken meanwhile is left out. */
  release(token: number, state: Pick<EngineState, 'epoch' | 'final'>): readonly HeldSend[] {
    const ready = this.#held.filter(({ after }) => after <= token)
    this.#held = this.#held.filter(({ after }) => after > token)
    return ready.filter(({ message }) => !isOvertaken(message, state))
  }
}

/**
 * Whether a message helps nobody any more: a final vote for a block that the fast path made final while the vote was on its way to the disk.
 * Everybody is sent the same first votes, and whoever misses one asks; not saying something is always safe.
 */
function isOvertaken(message: Message, { epoch, final }: Pick<EngineState, 'epoch' | 'final'>): boolean {
  return message.type === 'vote' && message.vote.kind === 'final' && message.vote.epoch === epoch.number && message.vote.slot <= final.slot
}
