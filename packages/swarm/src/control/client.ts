import { type Channel, NetworkError } from '@cairn/network'
import { type CID, type ControlMessage, decodeControl, encodeControl, ProtocolError } from '@cairn/protocol'
import type { Clock, Timer } from '@cairn/runtime'
import { CONTROL_DEADLINE_MS, CONTROL_REQUESTS_MAX } from '../limits.ts'

/** Why a control request got no usable answer. */
class ControlError extends Error {
  override readonly name = 'ControlError'
  readonly code: 'CLOSED' | 'TIMED_OUT' | 'TOO_MANY' | 'REFUSED'

  constructor(code: ControlError['code'], message: string) {
    super(message)
    this.code = code
  }
}

type Reply = Extract<ControlMessage, { readonly type: `${string}-reply` }>

interface Pending {
  readonly type: Reply['type']
  readonly resolve: (reply: Reply) => void
  readonly reject: (error: Error) => void
  readonly timer: Timer
}

/** Asks one peer small questions over one control channel, and hears of its new chunks. */
export class ControlClient {
  readonly #channel: Channel
  readonly #clock: Clock
  readonly #pending = new Map<number, Pending>()
  readonly #updates = new Map<string, (chunks: readonly number[]) => void>()
  #nextId = 1
  #ended: string | undefined

  constructor(channel: Channel, clock: Clock) {
    this.#channel = channel
    this.#clock = clock
  }

  get isOpen(): boolean {
    return this.#ended === undefined
  }

  /** The peer's copy of metadata file `file`, or `undefined` when it has none. */
  async metadata(file: string): Promise<Uint8Array | undefined> {
    const reply = await this.#request('metadata-reply', (id) => ({ type: 'metadata', id, file }))
    return reply.bytes ?? undefined
  }

  /** Which chunks of `snapshot` the peer holds. */
  have(snapshot: CID): Promise<Extract<Reply, { type: 'have-reply' }>> {
    return this.#request('have-reply', (id) => ({ type: 'have', id, snapshot }))
  }

  /** Addresses of further peers that hold or fetch `snapshot`. */
  async peers(snapshot: CID): Promise<readonly string[]> {
    const reply = await this.#request('peers-reply', (id) => ({ type: 'peers', id, snapshot }))
    return reply.addresses
  }

  /** What leads a holder of `from` to `snapshot`, by the peer's account. */
  deltas(snapshot: CID, from: CID): Promise<Extract<Reply, { type: 'deltas-reply' }>> {
    return this.#request('deltas-reply', (id) => ({ type: 'deltas', id, snapshot, from }))
  }

  /** Calls `listener` whenever the peer has new chunks of `snapshot`; returns a function that stops it. */
  subscribe(snapshot: CID, listener: (chunks: readonly number[]) => void): () => void {
    const key = snapshot.toString()
    this.#updates.set(key, listener)
    this.#post({ type: 'subscribe', snapshot })
    return () => {
      if (!this.#updates.delete(key) || this.#ended !== undefined) return
      this.#post({ type: 'unsubscribe', snapshot })
    }
  }

  /**
   * Reads until the channel ends.
   *
   * @throws {ProtocolError} when the peer sent what no honest peer sends; the channel is reset
   */
  async run(): Promise<void> {
    try {
      for (let bytes = await this.#channel.receive(); bytes !== undefined; bytes = await this.#channel.receive()) {
        this.#handle(decodeControl(bytes))
      }
      this.#end('the peer closed the channel')
    } catch (error) {
      this.#end(error instanceof Error ? error.message : String(error))
      if (error instanceof NetworkError) return
      this.#channel.abort(error instanceof Error ? error : new Error(String(error)))
      throw error
    }
  }

  abort(reason: Error): void {
    this.#channel.abort(reason)
    this.#end(reason.message)
  }

  #handle(message: ControlMessage): void {
    switch (message.type) {
      case 'metadata-reply':
      case 'have-reply':
      case 'peers-reply':
      case 'deltas-reply': {
        const pending = this.#take(message.id)
        if (pending === undefined) return // answered after its deadline
        if (pending.type !== message.type) {
          pending.reject(new ControlError('CLOSED', `${this.#channel.peer} answered with ${message.type}`))
          throw unexpected(message.type)
        }
        pending.resolve(message)
        return
      }
      case 'error':
        this.#take(message.id)?.reject(new ControlError('REFUSED', `${this.#channel.peer} answered ${message.code}`))
        return
      case 'have-update':
        this.#updates.get(message.snapshot.toString())?.(message.chunks)
        return
      case 'metadata':
      case 'have':
      case 'peers':
      case 'deltas':
      case 'subscribe':
      case 'unsubscribe':
        throw unexpected(message.type)
      default:
        message satisfies never
    }
  }

  #request<Type extends Reply['type']>(type: Type, build: (id: number) => ControlMessage): Promise<Extract<Reply, { type: Type }>> {
    const { peer } = this.#channel
    if (this.#ended !== undefined) return Promise.reject(new ControlError('CLOSED', `channel with ${peer} closed: ${this.#ended}`))
    if (this.#pending.size >= CONTROL_REQUESTS_MAX) {
      return Promise.reject(new ControlError('TOO_MANY', `${this.#pending.size} requests to ${peer} are open`))
    }
    const id = this.#nextId++
    return new Promise((resolve, reject) => {
      const timer = this.#clock.setTimer(CONTROL_DEADLINE_MS, () => {
        this.#pending.delete(id)
        reject(new ControlError('TIMED_OUT', `${peer} did not answer within ${CONTROL_DEADLINE_MS / 1000} s`))
      })
      this.#pending.set(id, { type, resolve: resolve as (reply: Reply) => void, reject, timer })
      this.#post(build(id))
    })
  }

  #take(id: number): Pending | undefined {
    const pending = this.#pending.get(id)
    pending?.timer.cancel()
    this.#pending.delete(id)
    return pending
  }

  #post(message: ControlMessage): void {
    this.#channel.send(encodeControl(message)).catch((error: unknown) => {
      this.#end(error instanceof Error ? error.message : String(error))
    })
  }

  #end(reason: string): void {
    if (this.#ended !== undefined) return
    this.#ended = reason
    for (const id of this.#pending.keys()) {
      this.#take(id)?.reject(new ControlError('CLOSED', `channel with ${this.#channel.peer} closed: ${reason}`))
    }
    this.#updates.clear()
  }
}

function unexpected(what: string): ProtocolError {
  return new ProtocolError({ code: 'MALFORMED', what: 'control', reason: `${what} that nobody asked for` })
}
