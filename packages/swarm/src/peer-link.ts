import type { PeerId, Transport } from '@cairn/network'
import { CONTROL_PROTOCOL, EXCHANGE_PROTOCOL, ProtocolError } from '@cairn/protocol'
import type { Clock, Tasks } from '@cairn/runtime'
import { ControlClient } from './control/client.ts'
import { ExchangeClient } from './exchange/client.ts'

export interface PeerLinkComponents {
  readonly transport: Transport
  readonly clock: Clock
  readonly tasks: Tasks
  /** The peer sent something that no honest peer sends. */
  readonly onMisbehaviour: (peer: PeerId, error: ProtocolError) => void
}

/** Our channels to one connected peer, opened at first use and opened anew after they end. */
export class PeerLink {
  readonly peer: PeerId
  readonly #components: PeerLinkComponents
  #control: Promise<ControlClient> | undefined
  #exchange: Promise<ExchangeClient> | undefined

  constructor(peer: PeerId, components: PeerLinkComponents) {
    this.peer = peer
    this.#components = components
  }

  /** @throws {NetworkError} if no channel can be opened */
  control(): Promise<ControlClient> {
    this.#control ??= this.#openControl().catch((error: unknown) => {
      this.#control = undefined
      throw error
    })
    return this.#control
  }

  /** @throws {NetworkError} if no channel can be opened */
  exchange(): Promise<ExchangeClient> {
    this.#exchange ??= this.#openExchange().catch((error: unknown) => {
      this.#exchange = undefined
      throw error
    })
    return this.#exchange
  }

  /** Resets both channels; what was asked for is answered as lost. */
  close(reason: Error): void {
    this.#control?.then((client) => client.abort(reason)).catch(() => {})
    this.#exchange?.then((client) => client.abort(reason)).catch(() => {})
  }

  async #openControl(): Promise<ControlClient> {
    const { transport, clock, tasks } = this.#components
    const client = new ControlClient(await transport.open(this.peer, CONTROL_PROTOCOL), clock)
    tasks.spawn(`control ${this.peer}`, async () => {
      try {
        await client.run()
      } catch (error) {
        if (!(error instanceof ProtocolError)) throw error
        this.#components.onMisbehaviour(this.peer, error)
      } finally {
        this.#control = undefined
      }
    })
    return client
  }

  async #openExchange(): Promise<ExchangeClient> {
    const { transport, tasks } = this.#components
    const channel = await transport.open(this.peer, EXCHANGE_PROTOCOL)
    const client = new ExchangeClient(channel, (error) => this.#components.onMisbehaviour(this.peer, error))
    tasks.spawn(`exchange ${this.peer}`, async () => {
      try {
        await client.run()
      } finally {
        this.#exchange = undefined
      }
    })
    return client
  }
}
