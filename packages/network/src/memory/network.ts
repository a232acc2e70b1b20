import { type Clock, type Log, type Random, silentLog, sleep } from '@cairn/runtime'
import { NetworkError } from '../errors.ts'
import { DIAL_TIMEOUT_MS } from '../limits.ts'
import type { Address, PeerId, Transport } from '../transport.ts'
import { type LinkConditions, Pipe } from './pipe.ts'
import { Session } from './session.ts'
import { type MemoryTarget, MemoryTransport } from './transport.ts'

/** Enough for one slice of a block and the next to be under way. */
const WINDOW_BYTES = 512 * 1024

export interface MemoryNetworkInit extends Partial<LinkConditions> {
  readonly clock: Clock
  readonly random: Random
  readonly log?: Log
  /** Bytes of a channel that may be on their way or unreceived before its sender has to wait; one frame may exceed it. */
  readonly windowBytes?: number
}

/**
 * A network in memory: peers, links with latency and bandwidth, partitions and crashes.
 * Everything happens on the clock and by the random source that it is given, so a run is a replay.
 */
export class MemoryNetwork {
  readonly #clock: Clock
  readonly #random: Random
  readonly #log: Log
  readonly #windowBytes: number
  readonly #conditions: LinkConditions
  readonly #transports = new Map<PeerId, MemoryTransport>()
  readonly #shaped = new Map<string, LinkConditions>()
  readonly #partitioned = new Set<string>()

  constructor(init: MemoryNetworkInit) {
    this.#clock = init.clock
    this.#random = init.random.fork('memory-network')
    this.#log = init.log ?? silentLog
    this.#windowBytes = init.windowBytes ?? WINDOW_BYTES
    this.#conditions = { latencyMs: init.latencyMs ?? 0, jitterMs: init.jitterMs ?? 0, bytesPerSecond: init.bytesPerSecond ?? Infinity }
  }

  /**
   * A peer called `name`, reachable at `/memory/<name>/p2p/<name>` unless `listens` is false.
   * A name may be used again once the transport that had it has stopped or crashed.
   */
  createTransport(name: PeerId, options?: { readonly listens?: boolean }): Transport {
    const transport = new MemoryTransport({
      self: name,
      connect: (dialer, address, target) => this.#connect(dialer, address, target),
      clock: this.#clock,
      log: this.#log.child({ peer: name }),
      windowBytes: this.#windowBytes,
      listens: options?.listens ?? true,
    })
    this.#transports.set(name, transport)
    return transport
  }

  /** Gives the link between `one` and `other` conditions of its own, in both directions, from now on. */
  shape(one: PeerId, other: PeerId, conditions: Partial<LinkConditions>): void {
    this.#shaped.set(linkName(one, other), { ...this.#conditions, ...conditions })
  }

  /** Cuts the link between `one` and `other`: both lose the connection now, and dials time out until {@link heal}. */
  partition(one: PeerId, other: PeerId): void {
    this.#partitioned.add(linkName(one, other))
    this.#transports.get(one)?.session(other)?.lose('the network is partitioned')
    this.#transports.get(other)?.session(one)?.lose('the network is partitioned')
  }

  heal(one: PeerId, other: PeerId): void {
    this.#partitioned.delete(linkName(one, other))
  }

  /** Kills `peer` as `kill -9` would: its transport is dead, and the others see its connections break. */
  crash(peer: PeerId): void {
    void this.#transports.get(peer)?.stop()
    this.#transports.delete(peer)
  }

  async #connect(dialer: MemoryTransport, address: Address, target: MemoryTarget): Promise<PeerId> {
    const fail = (reason: string): NetworkError => new NetworkError({ code: 'DIAL_FAILED', address, reason })
    if (target.host === dialer.self) throw fail('that is this peer itself')
    const conditions = (): LinkConditions => this.#shaped.get(linkName(dialer.self, target.host)) ?? this.#conditions
    const isCut = (): boolean => this.#partitioned.has(linkName(dialer.self, target.host))
    const pipe = (): Pipe => new Pipe(this.#clock, this.#random, conditions)
    const there = pipe()
    const back = pipe()

    await travel(there)
    if (isCut()) {
      await sleep(this.#clock, DIAL_TIMEOUT_MS)
      throw fail('timed out')
    }
    const listener = this.#transports.get(target.host)
    const refusal = refusalOf(dialer, listener, target)
    if (listener === undefined || refusal !== undefined) {
      await travel(back)
      throw fail(refusal ?? 'connection refused')
    }
    if (dialer.session(target.peer) !== undefined) return target.peer

    const near = new Session(dialer, listener.self, there)
    const far = new Session(listener, dialer.self, back)
    Session.pair(near, far)
    return new Promise((resolve, reject) => {
      // The first thing to travel back, so that the dialer knows of the connection before anything arrives on it.
      back.send(0, () => {
        if (far.isOpen && !isCut() && dialer.accept(near)) {
          resolve(listener.self)
        } else {
          near.lose('the connection was lost')
          far.lose('the connection was lost')
          reject(fail('the connection was lost'))
        }
      })
      listener.accept(far)
    })
  }
}

function travel(pipe: Pipe): Promise<void> {
  return new Promise((resolve) => pipe.send(0, resolve))
}

function refusalOf(dialer: MemoryTransport, listener: MemoryTransport | undefined, target: MemoryTarget): string | undefined {
  if (listener === undefined || !listener.isListening) return 'connection refused'
  if (listener.self !== target.peer) return `the peer there is ${listener.self}`
  if (listener.isBanned(dialer.self)) return 'the peer refused the connection'
  if (dialer.isBanned(listener.self)) return 'the peer is banned'
  return undefined
}

function linkName(one: PeerId, other: PeerId): string {
  return one < other ? `${one} ${other}` : `${other} ${one}`
}
