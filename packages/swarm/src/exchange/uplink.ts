import type { Channel, PeerId } from '@cairn/network'
import { type CID, FRAME_BYTES_MAX, isPageCid, PAGE_BYTES_MAX, type Position, type RefuseCode } from '@cairn/protocol'
import type { Clock, Reporter, Timer } from '@cairn/runtime'
import type { BlockSource } from '@cairn/storage'
import { type DeltaSource, NO_DELTAS } from '../delta-source.ts'
import type { SwarmEvent } from '../events.ts'
import { SERVING_LIMITS, SERVING_SLOW_MS, SERVING_STALL_MS, SERVING_TICK_MS } from '../limits.ts'
import { Lane } from './lane.ts'
import { type Servable, type ServingLimits, ServingQueue, type Turn } from './serving-queue.ts'

export interface UplinkComponents {
  readonly clock: Clock
  readonly source: BlockSource
  /** What goes out in the place of frames, to whoever can use it. Absent: nothing. */
  readonly deltas?: DeltaSource
  readonly reporter: Reporter<SwarmEvent>
}

interface QueuedBlock extends Servable {
  readonly lane: Lane
  /** Of its request. */
  readonly id: number
  readonly position: number
  readonly cid: CID
  /** Snapshots that the peer has. */
  readonly basis: readonly CID[]
  /** When its answer ceases to be of use. */
  readonly untilMs: number
  isCancelled: boolean
}

/** One request, as it is queued. */
interface Request {
  readonly id: number
  readonly deadlineMs: number
  readonly cids: readonly CID[]
}

/**
 * What one participant sends to all who ask it for blocks: reads them in the order that its {@link ServingQueue} decides, hands each to
 * its channel, and sees to it that nobody holds memory for nothing.
 *
 * A peer that takes no byte for {@link SERVING_SLOW_MS} gets nothing further and loses what was read for it and not begun; if others
 * wait for the memory that it still holds, its channel is closed. After {@link SERVING_STALL_MS} it is closed in any case.
 */
export class Uplink {
  readonly #components: UplinkComponents
  readonly #queue: ServingQueue<QueuedBlock>
  readonly #lanes = new Set<Lane>()
  /** Turns whose blocks are being read or sent. */
  readonly #inHand = new Set<Turn<QueuedBlock>>()
  /** Blocks of each lane that are not answered. */
  readonly #openCounts = new Map<Lane, number>()
  readonly #drained = new Map<Lane, () => void>()
  /** Lanes that were refused something and are not read until the next tick. */
  readonly #patient = new Map<Lane, () => void>()
  #timer: Timer | undefined
  /** Nobody's turn has come since the last tick. */
  #isIdle = true
  /** Whether the load that was told last is more than none. */
  #toldLoad = false

  constructor(components: UplinkComponents, limits: ServingLimits = SERVING_LIMITS) {
    this.#components = components
    this.#queue = new ServingQueue(limits)
  }

  /** Bytes reserved and held for blocks that are not sent yet. */
  get heldBytes(): number {
    return this.#queue.heldBytes
  }

  /** Serves on `channel` until it ends. */
  open(channel: Channel): Lane {
    const lane = new Lane(channel, this.#components.clock)
    this.#lanes.add(lane)
    this.#queue.join(channel.peer)
    if (channel.closed.aborted) this.#end(lane)
    else channel.closed.addEventListener('abort', () => this.#end(lane), { once: true })
    return lane
  }

  /**
   * Queues the blocks of a request. Resolves when the next one may be read: at once, or, if this one is refused, at the next tick.
   * Whoever asks without end would otherwise be refused without end, which costs as much as serving.
   */
  async want(lane: Lane, { id, deadlineMs, cids }: Request, basis: readonly CID[] = []): Promise<void> {
    if (lane.channel.closed.aborted) return
    const untilMs = this.#components.clock.monotonicMs() + deadlineMs
    const blocks = cids.map((cid, position): QueuedBlock => {
      const bytesMax = isPageCid(cid) ? PAGE_BYTES_MAX + 1 : FRAME_BYTES_MAX
      return { lane, id, position, cid, basis, untilMs, bytesMax, isCancelled: false }
    })
    const overload = this.#queue.add(lane.channel.peer, blocks)
    if (overload !== undefined) {
      await lane.refuse(id, 'all', overload)
      await this.#untilTick(lane)
      return
    }
    this.#count(lane, blocks.length)
    this.#pump()
  }

  /** Takes back one block, or a request; resolves when the peer has taken the answers. */
  async cancel(lane: Lane, id: number, position: Position): Promise<void> {
    const isMeant = (block: QueuedBlock): boolean =>
      block.lane === lane && block.id === id && (position === 'all' || block.position === position)
    for (const turn of this.#inHand) if (isMeant(turn.block)) turn.block.isCancelled = true
    for (const block of this.#queue.remove(lane.channel.peer, isMeant)) {
      await lane.refuse(block.id, block.position, 'CANCELLED')
      this.#count(lane, -1)
    }
  }

  /** Resolves when every block that was wanted on `lane` is answered, or the channel has ended. */
  drained(lane: Lane): Promise<void> {
    if (!this.#openCounts.has(lane)) return Promise.resolve()
    return new Promise((resolve) => this.#drained.set(lane, resolve))
  }

  /** Resolves at the next tick, when the channel ends, or when nothing is left to be sent to anybody. */
  #untilTick(lane: Lane): Promise<void> {
    if (this.#openCounts.size === 0 || lane.channel.closed.aborted) return Promise.resolve()
    return new Promise((resolve) => this.#patient.set(lane, resolve))
  }

  #pump(): void {
    for (let turn = this.#queue.next(); turn !== undefined; turn = this.#queue.next()) {
      this.#isIdle = false
      void this.#serve(turn)
    }
  }

  async #serve(turn: Turn<QueuedBlock>): Promise<void> {
    const { block } = turn
    this.#inHand.add(turn)
    const answer = await this.#read(block)
    if (typeof answer === 'string') {
      this.#queue.loaded(turn, 0)
      void block.lane.refuse(block.id, block.position, answer).then(() => this.#finish(turn))
    } else {
      this.#queue.loaded(turn, answer.byteLength)
      this.#hand(turn, answer)
    }
    this.#pump()
  }

  /** The frame of `block`, or why there is none. */
  async #read(block: QueuedBlock): Promise<Uint8Array | RefuseCode> {
    const { source, clock, reporter } = this.#components
    const { cid, untilMs, bytesMax } = block
    if (clock.monotonicMs() > untilMs) return 'BUSY'
    const delta = await this.#readDelta(block)
    if (delta !== undefined) return delta
    try {
      const frame = source.has(cid) ? await source.get(cid) : undefined
      if (frame === undefined) return 'NOT_FOUND'
      if (frame.byteLength <= bytesMax) return frame
      reporter.report({ type: 'block-unavailable', cid: cid.toString(), reason: `its frame has ${frame.byteLength} bytes` })
    } catch (error) {
      reporter.report({ type: 'block-unavailable', cid: cid.toString(), reason: error instanceof Error ? error.message : String(error) })
    }
    return 'NOT_FOUND'
  }

  /** One that cannot be read is no trouble for the peer: the chunk goes out whole. */
  async #readDelta({ cid, basis, bytesMax }: QueuedBlock): Promise<Uint8Array | undefined> {
    if (basis.length === 0 || isPageCid(cid)) return undefined
    const { deltas = NO_DELTAS, reporter } = this.#components
    try {
      const delta = await deltas.delta(cid, basis)
      return delta !== undefined && delta.byteLength <= bytesMax ? delta : undefined
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error)
      reporter.report({ type: 'block-unavailable', cid: cid.toString(), reason: `its delta: ${reason}` })
      return undefined
    }
  }

  #hand(turn: Turn<QueuedBlock>, frame: Uint8Array): void {
    const { peer, block, isNewcomer } = turn
    const { lane, id, position } = block
    lane.send({
      id,
      position,
      frame,
      isCancelled: () => block.isCancelled,
      onEnd: (wasSent) => {
        if (wasSent) {
          this.#components.reporter.report({ type: 'block-served', peer, frameBytes: frame.byteLength, isNewcomer })
          this.#queue.setStalled(peer, false)
        }
        this.#finish(turn)
      },
      onTakenBack: () => {
        this.#inHand.delete(turn)
        this.#queue.putBack(turn)
      },
    })
  }

  #finish(turn: Turn<QueuedBlock>): void {
    this.#inHand.delete(turn)
    this.#queue.release(turn)
    this.#count(turn.block.lane, -1)
    this.#pump()
  }

  /** The channel has ended: what it waited for is of no use any more. What is in hand ends by itself. */
  #end(lane: Lane): void {
    if (!this.#lanes.delete(lane)) return
    const { peer } = lane.channel
    const removed = this.#queue.remove(peer, (block) => block.lane === lane)
    this.#count(lane, -removed.length)
    settle(this.#drained, lane)
    settle(this.#patient, lane)
    this.#queue.leave(peer)
    this.#pump()
  }

  #count(lane: Lane, difference: number): void {
    const count = (this.#openCounts.get(lane) ?? 0) + difference
    if (count > 0) {
      this.#openCounts.set(lane, count)
      this.#timer ??= this.#components.clock.setTimer(SERVING_TICK_MS, () => this.#tick())
      return
    }
    this.#openCounts.delete(lane)
    settle(this.#drained, lane)
    if (this.#openCounts.size > 0) return
    for (const other of this.#patient.keys()) settle(this.#patient, other)
    this.#timer?.cancel()
    this.#timer = undefined
    if (this.#toldLoad) this.#tellLoad()
  }

  #tick(): void {
    this.#timer = this.#components.clock.setTimer(SERVING_TICK_MS, () => this.#tick())
    for (const lane of this.#patient.keys()) settle(this.#patient, lane)
    const stalled = new Set<PeerId>()
    for (const lane of this.#lanes) {
      const waitedMs = lane.waitedMs()
      if (waitedMs >= SERVING_STALL_MS) this.#drop(lane, 'stalled')
      else if (waitedMs >= SERVING_SLOW_MS) stalled.add(lane.channel.peer)
    }
    for (const lane of this.#lanes) {
      const isStalled = stalled.has(lane.channel.peer)
      this.#queue.setStalled(lane.channel.peer, isStalled)
      if (isStalled) lane.takeBack()
    }
    this.#pump()
    // Memory that is only short because much is being read comes back by itself.
    if (this.#isIdle && this.#queue.isShort) this.#makeRoom()
    this.#isIdle = true
    this.#tellLoad()
  }

  /** Somebody's turn has come and there is no memory: whoever has taken nothing for the longest makes room. */
  #makeRoom(): void {
    let slowest: Lane | undefined
    for (const lane of this.#lanes) if (lane.waitedMs() > (slowest?.waitedMs() ?? 0)) slowest = lane
    if (slowest !== undefined && slowest.waitedMs() >= SERVING_SLOW_MS) this.#drop(slowest, 'memory')
  }

  #drop(lane: Lane, reason: 'stalled' | 'memory'): void {
    const { peer } = lane.channel
    const waitedMs = Math.round(lane.waitedMs())
    this.#components.reporter.report({ type: 'slow-reader-dropped', peer, reason, waitedMs })
    lane.channel.abort(new Error(`${peer} took no byte for ${Math.floor(waitedMs / 1000)} s`))
  }

  #tellLoad(): void {
    const { queuedCount, heldBytes } = this.#queue
    this.#toldLoad = queuedCount > 0 || heldBytes > 0
    this.#components.reporter.report({ type: 'serving-load', blocksQueued: queuedCount, bytesHeld: heldBytes })
  }
}

function settle(waiting: Map<Lane, () => void>, lane: Lane): void {
  waiting.get(lane)?.()
  waiting.delete(lane)
}
