import type { PeerId, Transport } from '@cairn/network'
import { type CID, FRAME_BYTES_MAX, ProtocolError } from '@cairn/protocol'
import { type Clock, sleep } from '@cairn/runtime'
import { SwarmError } from './errors.ts'
import type { BlockAnswer } from './exchange/client.ts'
import { PAGE_DEADLINE_MS, PAGE_OVERDUE_MS, PAGE_PEERS_MAX, TICK_MS } from './limits.ts'
import type { PeerLink } from './peer-link.ts'
import type { Penalize } from './penalties.ts'
import { unpack } from './unpack.ts'

export interface BlockFetcherComponents {
  readonly transport: Transport
  readonly clock: Clock
  readonly link: (peer: PeerId) => PeerLink
  readonly penalize: Penalize
}

/** What one peer had to say of a page: `plain` is verified, `undefined` if it did not have it. */
interface PageAnswer {
  readonly peer: PeerId
  readonly plain: Uint8Array | undefined
}

/** Fetches single blocks from whichever peer has them: for manifest roots and pages. */
export class BlockFetcher {
  readonly #components: BlockFetcherComponents
  #lastGood: PeerId | undefined

  constructor(components: BlockFetcherComponents) {
    this.#components = components
  }

  /**
   * The plain block `cid`, verified. Peers are asked in turn, the one that was quickest last time first, until one has it;
   * the next one already when those before it do not answer soon, so that a slow peer is not waited for.
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
      options.signal.throwIfAborted()
      const plain = await this.#askAll(cid, plainBytesMax, options.signal)
      if (plain !== undefined) return plain
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

  async #askAll(cid: CID, plainBytesMax: number, signal: AbortSignal): Promise<Uint8Array | undefined> {
    const rest = [...this.#candidates()]
    const underWay = new Map<PeerId, Promise<PageAnswer>>()
    const decided = new AbortController()
    try {
      for (;;) {
        signal.throwIfAborted()
        const peer = rest.shift()
        if (peer !== undefined) {
          const asked = this.#ask(peer, cid, plainBytesMax, decided.signal)
          underWay.set(
            peer,
            asked.then((plain) => ({ peer, plain })),
          )
        }
        if (underWay.size === 0) return undefined
        const answer = await this.#first(underWay, rest.length > 0 && underWay.size < PAGE_PEERS_MAX)
        if (answer === undefined) continue
        underWay.delete(answer.peer)
        if (answer.plain === undefined) continue
        this.#lastGood = answer.peer
        return answer.plain
      }
    } finally {
      decided.abort()
    }
  }

  /** The first answer; `undefined` once they are overdue, if `isImpatient`. */
  async #first(underWay: ReadonlyMap<PeerId, Promise<PageAnswer>>, isImpatient: boolean): Promise<PageAnswer | undefined> {
    if (!isImpatient) return await Promise.race(underWay.values())
    const { promise: overdue, resolve } = Promise.withResolvers<undefined>()
    const timer = this.#components.clock.setTimer(PAGE_OVERDUE_MS, () => resolve(undefined))
    return await Promise.race([...underWay.values(), overdue]).finally(() => timer.cancel())
  }

  async #ask(peer: PeerId, cid: CID, plainBytesMax: number, decided: AbortSignal): Promise<Uint8Array | undefined> {
    const answer = await this.#request(peer, cid, plainBytesMax, decided)
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

  /** Takes the request back once `decided` aborts, or after {@link PAGE_DEADLINE_MS}. */
  async #request(peer: PeerId, cid: CID, plainBytesMax: number, decided: AbortSignal): Promise<BlockAnswer> {
    const { clock, link } = this.#components
    const { promise, resolve } = Promise.withResolvers<BlockAnswer>()
    try {
      const exchange = await link(peer).exchange()
      const frameBytesMax = Math.min(FRAME_BYTES_MAX, plainBytesMax + 1)
      const request = exchange.want([{ cid, frameBytesMax }], PAGE_DEADLINE_MS, (_, answer) => resolve(answer))
      const withdraw = (reason: string): void => {
        request.cancel(0)
        resolve({ type: 'lost', reason })
      }
      const onDecided = (): void => withdraw('another peer was quicker')
      const timer = clock.setTimer(PAGE_DEADLINE_MS, () => withdraw(`no answer within ${PAGE_DEADLINE_MS / 1000} s`))
      decided.addEventListener('abort', onDecided, { once: true })
      if (decided.aborted) onDecided()
      return await promise.finally(() => {
        timer.cancel()
        decided.removeEventListener('abort', onDecided)
      })
    } catch (error) {
      return { type: 'lost', reason: error instanceof Error ? error.message : String(error) }
    }
  }
}
