import { once } from 'node:events'
import { connect, createServer, type Server, type Socket } from 'node:net'

export interface RelayInit {
  /** Whom to pass connections on to. */
  readonly host: string
  readonly port: number
  /** How long every byte is held, in each direction: half of the round trip that is added. */
  readonly delayMs: number
}

/**
 * Most bytes held in each direction of a connection; beyond it the sender is not read from.
 * At 20 ms that lets 3 GiB/s pass, more than any program here moves, so that the delay is what is measured and not this limit.
 */
const HELD_BYTES_MAX = 64 * 1024 ** 2

/**
 * Adds latency to TCP connections. Windows of TCP itself end at the relay and do not see the delay,
 * as on a path whose kernels are well tuned; what an application has in flight does.
 */
export class Relay implements AsyncDisposable {
  readonly #server: Server
  readonly #sockets = new Set<Socket>()
  #bytesPassed = 0

  private constructor(server: Server) {
    this.#server = server
  }

  /** Listens on a free port of 127.0.0.1. */
  static async listen({ host, port, delayMs }: RelayInit): Promise<Relay> {
    const server = createServer({ allowHalfOpen: true, noDelay: true })
    const relay = new Relay(server)
    server.on('connection', (near) => {
      const far = connect({ host, port, allowHalfOpen: true, noDelay: true })
      for (const socket of [near, far]) relay.#sockets.add(socket)
      relay.#pass(near, far, delayMs)
      relay.#pass(far, near, delayMs)
    })
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    return relay
  }

  get port(): number {
    const address = this.#server.address()
    return address !== null && typeof address === 'object' ? address.port : 0
  }

  /** In both directions, over all connections. */
  get bytesPassed(): number {
    return this.#bytesPassed
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#sockets) socket.destroy()
    this.#server.close()
    await once(this.#server, 'close')
  }

  #pass(from: Socket, to: Socket, delayMs: number): void {
    const line = new DelayLine(delayMs, {
      deliver: (bytes) => to.write(bytes),
      end: () => to.end(),
      mayRead: (yes) => (yes ? from.resume() : from.pause()),
    })
    from.on('data', (bytes: Buffer) => {
      this.#bytesPassed += bytes.length
      line.push(bytes)
    })
    from.on('end', () => line.finish())
    to.on('drain', () => line.resume())
    // An abrupt end is passed on at once: whoever measures one does not measure latency.
    from.on('error', () => to.destroy())
    from.on('close', () => {
      this.#sockets.delete(from)
      if (from.errored !== null) line.drop()
    })
    to.on('close', () => line.drop())
  }
}

interface DelayLineInit {
  /** `false` if the receiver wants no more for now. */
  readonly deliver: (bytes: Buffer) => boolean
  readonly end: () => void
  readonly mayRead: (yes: boolean) => void
}

/** Holds what passes for a fixed time, in order. */
class DelayLine {
  readonly #delayMs: number
  readonly #init: DelayLineInit
  readonly #held: { readonly dueMs: number; readonly bytes: Buffer | undefined }[] = []
  #next = 0
  #heldBytes = 0
  #isBlocked = false
  #timer: NodeJS.Timeout | undefined

  constructor(delayMs: number, init: DelayLineInit) {
    this.#delayMs = delayMs
    this.#init = init
  }

  push(bytes: Buffer): void {
    this.#heldBytes += bytes.length
    if (this.#heldBytes > HELD_BYTES_MAX) this.#init.mayRead(false)
    this.#hold(bytes)
  }

  finish(): void {
    this.#hold(undefined)
  }

  resume(): void {
    this.#isBlocked = false
    this.#deliverDue()
  }

  drop(): void {
    clearTimeout(this.#timer)
    this.#held.length = 0
    this.#next = 0
    this.#isBlocked = true
  }

  #hold(bytes: Buffer | undefined): void {
    this.#held.push({ dueMs: performance.now() + this.#delayMs, bytes })
    this.#timer ??= setTimeout(() => this.#deliverDue(), this.#delayMs)
  }

  #deliverDue(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    const nowMs = performance.now()
    while (!this.#isBlocked && this.#next < this.#held.length && this.#held[this.#next]!.dueMs <= nowMs) {
      const { bytes } = this.#held[this.#next++]!
      if (bytes === undefined) this.#init.end()
      else this.#deliver(bytes)
    }
    // Shifting an array of thousands for every entry would cost more than the relaying.
    if (this.#next === this.#held.length || this.#next > 1024) {
      this.#held.splice(0, this.#next)
      this.#next = 0
    }
    const first = this.#held[this.#next]
    if (first !== undefined && !this.#isBlocked) this.#timer = setTimeout(() => this.#deliverDue(), Math.max(0, first.dueMs - nowMs))
  }

  #deliver(bytes: Buffer): void {
    this.#isBlocked = !this.#init.deliver(bytes)
    this.#heldBytes -= bytes.length
    if (this.#heldBytes <= HELD_BYTES_MAX / 2) this.#init.mayRead(true)
  }
}

// As a process of its own: relay.ts HOST PORT DELAY_MS. It says where it listens, and in the end how many bytes passed.
if (import.meta.main) {
  const [host = '', port, delayMs] = process.argv.slice(2)
  const relay = await Relay.listen({ host, port: Number(port), delayMs: Number(delayMs) })
  console.log(`listening ${relay.port}`)
  process.once('SIGTERM', () => {
    console.log(`passed ${relay.bytesPassed}`)
    process.exit()
  })
}
