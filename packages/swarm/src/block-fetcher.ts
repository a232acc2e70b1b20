import type { PeerId, Transport } from '@cairn/network'
import { type CID, FRAME_BYTES_MAX, ProtocolError } from '@cairn/protocol'
import { type Clock, sleep } from '@cairn/runtime'
import { SwarmError } from './errors.ts'
import type { BlockAnswer } from './exchange/client.ts'
import { PAGE_DEADLINE_MS, TICK_MS } from './limits.ts'
import type { PeerLink } from './peer-link.ts'
import type { Penalize } from './penalties.ts'
import { unpack } from './unpack.ts'

export interface BlockFetcherComponents {
  readonly transport: Transport
  readonly clock: Clock
  readonly link: (peer: PeerId) => PeerLink
  readonly penalize: Penalize
}

/** Fetches single blocks, one after the other from whichever peer has them: for manifest roots and pages. */
export class BlockFetcher {
  readonly #components: BlockFetcherComponents
  #lastGood: PeerId | undefined

  constructor(components: BlockFetcherComponents) {
    this.#components = components
  }

  /**
   * The plain block `cid`, verified. Peers are asked in turn, the one that answered last time first, until one has it.
   *
   * @throws {SwarmError} `NO_SOURCE` after `patienceMs` (absent: never)
   */
  async fetch(
    cid: CID,
    plainBytesMax: number,
    options: { readonly patienceMs?: number; readonly signal: AbortSignal },
  ): Promise<Uint8Array> {
    const { transport, clock } = this.#components
    const startedMs = clock.monotonicMs()
    for (;;) {
      for (const peer of this.#candidates()) {
        options.signal.throwIfAborted()
        const plain = await this.#ask(peer, cid, plainBytesMax)
        if (plain === undefined) continue
        this.#lastGood = peer
        return plain
      }
      const waitedMs = clock.monotonicMs() - startedMs
      if (options.patienceMs !== undefined && waitedMs >= options.patienceMs) {
        const reason = transport.peers().length === 0 ? 'no-source' : 'no-source-has-it'
        throw new SwarmError({ code: 'NO_SOURCE', what: `manifest page ${cid.toString()}`, reason, waitedMs: options.patienceMs })
      }
      await sleep(clock, TICK_MS, options.signal)
    }
  }

  #candidates(): readonly PeerId[] {
    const peers = this.#components.transport.peers()
    if (this.#lastGood === undefined || !peers.includes(this.#lastGood)) return peers
    return [this.#lastGood, ...peers.filter((peer) => peer !== this.#lastGood)]
  }

  async #ask(peer: PeerId, cid: CID, plainBytesMax: number): Promise<Uint8Array | undefined> {
    const answer = await this.#request(peer, cid, plainBytesMax)
    if (answer.type !== 'frame') return undefined
    try {
      return unpack(cid, answer.frame, plainBytesMax)
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error
      this.#components.penalize(peer, 'bad-chunk', {
        detail: `page ${cid.toString()}`,
        mayBan: this.#components.transport.peers().length > 1,
      })
      return undefined
    }
  }

  async #request(peer: PeerId, cid: CID, plainBytesMax: number): Promise<BlockAnswer> {
    const { clock, link } = this.#components
    const { promise, resolve } = Promise.withResolvers<BlockAnswer>()
    try {
      const exchange = await link(peer).exchange()
      const frameBytesMax = Math.min(FRAME_BYTES_MAX, plainBytesMax + 1)
      const request = exchange.want([{ cid, frameBytesMax }], PAGE_DEADLINE_MS, (_, answer) => resolve(answer))
      const timer = clock.setTimer(PAGE_DEADLINE_MS, () => {
        request.cancel(0)
        resolve({ type: 'lost', reason: `no answer within ${PAGE_DEADLINE_MS / 1000} s` })
      })
      return await promise.finally(() => timer.cancel())
    } catch (error) {
      return { type: 'lost', reason: error instanceof Error ? error.message : String(error) }
    }
  }
}
