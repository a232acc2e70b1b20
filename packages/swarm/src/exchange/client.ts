import { type Channel, NetworkError } from '@cairn/network'
import { type CID, decodeExchange, encodeExchange, type ExchangeMessage, ProtocolError, type RefuseCode } from '@cairn/protocol'

/** What became of one block that was asked for. */
export type BlockAnswer =
  /** The frame as it was sent; its content is not verified. */
  | { readonly type: 'frame'; readonly frame: Uint8Array }
  | { readonly type: 'refused'; readonly code: RefuseCode }
  /** The channel ended before the answer did. */
  | { readonly type: 'lost'; readonly reason: string }

export interface WantedBlock {
  readonly cid: CID
  /** Largest frame that can be this block; the peer is cut off if it announces more. */
  readonly frameBytesMax: number
}

export interface ExchangeRequest {
  /** Tells the peer not to send block `position`, or the rest of it. Its answer comes all the same. */
  cancel(position: number): void
}

interface PendingBlock {
  readonly frameBytesMax: number
  readonly onAnswer: (answer: BlockAnswer) => void
  frame: Uint8Array | undefined
  filledBytes: number
}

/** Asks one peer for blocks over one bulk channel. Every block asked for is answered exactly once. */
export class ExchangeClient {
  readonly #channel: Channel
  readonly #pending = new Map<string, PendingBlock>()
  #nextId = 1
  /** What the peer was told last. */
  #basis: readonly CID[] = []
  #ended: string | undefined
  readonly #onMisbehaviour: (error: ProtocolError) => void

  /** `onMisbehaviour` hears of a message that no honest peer sends; the channel is reset. */
  constructor(channel: Channel, onMisbehaviour: (error: ProtocolError) => void) {
    this.#channel = channel
    this.#onMisbehaviour = onMisbehaviour
  }

  get isOpen(): boolean {
    return this.#ended === undefined
  }

  /**
   * Sends one request; `onAnswer` is called once per block, in any order, never before this returns. Chunks may come as deltas to chunks
   * of `basis`; whoever asks for pages only need not name one.
   */
  want(
    blocks: readonly WantedBlock[],
    deadlineMs: number,
    onAnswer: (position: number, answer: BlockAnswer) => void,
    basis?: readonly CID[],
  ): ExchangeRequest {
    const id = this.#nextId++
    if (this.#ended !== undefined) {
      const reason = this.#ended
      queueMicrotask(() => {
        for (const position of blocks.keys()) onAnswer(position, { type: 'lost', reason })
      })
      return { cancel() {} }
    }
    for (const [position, { frameBytesMax }] of blocks.entries()) {
      this.#pending.set(keyOf(id, position), {
        frameBytesMax,
        onAnswer: (answer) => onAnswer(position, answer),
        frame: undefined,
        filledBytes: 0,
      })
    }
    this.#tellBasis(basis)
    this.#post({ type: 'want', id, deadlineMs, cids: blocks.map(({ cid }) => cid) })
    return {
      cancel: (position) => {
        if (this.#pending.has(keyOf(id, position))) this.#post({ type: 'cancel', id, position })
      },
    }
  }

  /** Reads answers until the channel ends. */
  async run(): Promise<void> {
    try {
      for (let bytes = await this.#channel.receive(); bytes !== undefined; bytes = await this.#channel.receive()) {
        this.#handle(decodeExchange(bytes))
      }
      this.#end('the peer closed the channel')
    } catch (error) {
      if (error instanceof ProtocolError) {
        this.#channel.abort(error)
        this.#onMisbehaviour(error)
      } else if (!(error instanceof NetworkError)) {
        this.#channel.abort(error instanceof Error ? error : new Error(String(error)))
      }
      this.#end(error instanceof Error ? error.message : String(error))
    }
  }

  abort(reason: Error): void {
    this.#channel.abort(reason)
    this.#end(reason.message)
  }

  #handle(message: ExchangeMessage): void {
    switch (message.type) {
      case 'data':
        return this.#data(message)
      case 'refuse':
        return this.#refused(message)
      case 'want':
      case 'cancel':
      case 'basis':
        throw unexpected(`a ${message.type}`)
      default:
        message satisfies never
    }
  }

  #refused({ id, position, code }: Extract<ExchangeMessage, { type: 'refuse' }>): void {
    const refused = position === 'all' ? [...this.#pending.keys()].filter((key) => key.startsWith(`${id}/`)) : [keyOf(id, position)]
    for (const key of refused) {
      const block = this.#pending.get(key)
      if (block === undefined) throw unexpected('a refusal')
      this.#pending.delete(key)
      block.onAnswer({ type: 'refused', code })
    }
  }

  #data({ id, position, offset, total, slice }: Extract<ExchangeMessage, { type: 'data' }>): void {
    const key = keyOf(id, position)
    const block = this.#pending.get(key)
    if (block === undefined) throw unexpected('a block')
    if (total > block.frameBytesMax) throw new ProtocolError({ code: 'TOO_LARGE', what: 'block', value: total, max: block.frameBytesMax })
    if (offset !== block.filledBytes) throw unexpected(`a slice at ${offset} where ${block.filledBytes} follows`)
    if (slice.byteLength === total) {
      // The usual case, one slice: handed on without a copy.
      block.frame = slice
    } else {
      // The bound was checked above, so a peer cannot make us allocate more than the chunk it was asked for.
      block.frame ??= new Uint8Array(total)
      if (block.frame.byteLength !== total) throw unexpected('a block whose size changes')
      block.frame.set(slice, offset)
    }
    block.filledBytes = offset + slice.byteLength
    if (block.filledBytes < total) return
    this.#pending.delete(key)
    block.onAnswer({ type: 'frame', frame: block.frame })
  }

  /** Each channel has its own, and starts with none. */
  #tellBasis(basis: readonly CID[] | undefined): void {
    if (basis === undefined || (basis.length === this.#basis.length && basis.every((cid, i) => cid.equals(this.#basis[i])))) return
    this.#basis = basis
    this.#post({ type: 'basis', snapshots: basis })
  }

  #post(message: ExchangeMessage): void {
    // What is queued here is bounded by the scheduler's windows: 36 bytes per chunk in flight.
    this.#channel.send(encodeExchange(message)).catch((error: unknown) => {
      this.#end(error instanceof Error ? error.message : String(error))
    })
  }

  #end(reason: string): void {
    if (this.#ended !== undefined) return
    this.#ended = reason
    const pending = [...this.#pending.values()]
    this.#pending.clear()
    for (const block of pending) block.onAnswer({ type: 'lost', reason })
  }
}

function keyOf(id: number, position: number): string {
  return `${id}/${position}`
}

function unexpected(what: string): ProtocolError {
  return new ProtocolError({ code: 'MALFORMED', what: 'exchange', reason: `${what} that nobody asked for` })
}
