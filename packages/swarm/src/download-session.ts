import type { PeerId, Transport } from '@cairn/network'
import { Bitmap, type CID, FRAME_BYTES_MAX, ProtocolError, type SnapshotIndex, type StageClass } from '@cairn/protocol'
import { type Clock, freeMemory, type Instant, type Random, type Reporter, seededRandom, Tasks, type Timer } from '@cairn/runtime'
import { Download, type DownloadEffect, type DownloadInput, type SlowReason, type StallReason, TraceRecorder } from '@cairn/scheduler'
import { type SnapshotSink, StorageError } from '@cairn/storage'
import type { ControlClient } from './control/client.ts'
import { type BasisGroup, DeltaTerms } from './delta-terms.ts'
import { progressOf } from './download-progress.ts'
import { SwarmError } from './errors.ts'
import type { SwarmEvent } from './events.ts'
import type { BlockAnswer, ExchangeRequest } from './exchange/client.ts'
import type { Holdings } from './holdings.ts'
import { TICK_MS } from './limits.ts'
import type { PeerLink } from './peer-link.ts'
import { sourceEvent } from './source-event.ts'
import { askOffers, hearOffers, type SourceOffers } from './source-offers.ts'
import type { Penalize } from './penalties.ts'
import type { RecentFrames } from './recent-frames.ts'
import { refusalCode } from './refusal-code.ts'

export interface DownloadInit {
  readonly index: SnapshotIndex
  readonly sink: SnapshotSink
  /** Chunks that come from elsewhere meanwhile, see {@link DownloadSession.arrived}: not asked for until {@link DownloadSession.lost} names them. */
  readonly expected?: Bitmap
  /** Fetches what this stage and those before it need, and no more. Absent: everything. */
  readonly stage?: StageClass
  /** Snapshots of which the sink has all chunks at hand: what is near to one of those may come as a delta. At most `BASIS_SNAPSHOTS_MAX`. */
  readonly basis?: readonly CID[]
  /** How long deltas that sources are making are waited for. Absent: they are used once they are there. */
  readonly deltasWaitMs?: number
  /** Frame bytes per second to ask for at most, all sources together. */
  readonly bytesPerSecondMax?: number
  /** Gives up after this long without progress. Absent: waits for ever. */
  readonly patienceMs?: number
  readonly signal?: AbortSignal
  /** Hears the lines of a trace from which `scheduler` can replay every decision of this download. */
  readonly onTrace?: (line: string) => void
}

export interface DownloadComponents {
  readonly transport: Transport
  readonly clock: Clock
  readonly random: Random
  readonly reporter: Reporter<SwarmEvent>
  readonly holdings: Holdings
  /** Takes frames that others will ask for. */
  readonly recent: RecentFrames
  readonly link: (peer: PeerId) => PeerLink
  readonly penalize: Penalize
}

/** What a finished download fetched. */
export interface DownloadSummary {
  /** Frame bytes received and used, by source. */
  readonly bytesBySource: ReadonlyMap<PeerId, number>
  /** Frame bytes that arrived and were not used: bad chunks and duplicates. */
  readonly wastedBytes: number
  readonly durationMs: number
}

/**
 * Runs the scheduler's {@link Download} against real peers: turns what happens into inputs and effects into what happens.
 *
 * Every connected peer is asked whether it holds the snapshot and tells of chunks that it gains; whoever connects later joins in.
 */
export class DownloadSession {
  readonly #init: DownloadInit
  readonly #components: DownloadComponents
  readonly #machine: Download
  readonly #trace: TraceRecorder | undefined
  readonly #snapshot: CID
  readonly #terms: DeltaTerms
  readonly #name: string
  /** Chunks that are here, or will be without being asked for, at the start. */
  readonly #held: Bitmap
  /** Chunks from here on belong to stages that are not asked for. */
  readonly #chunksEnd: number
  readonly #tasks: Tasks
  readonly #requests = new Map<string, ExchangeRequest & { readonly position: number }>()
  readonly #bytesBySource = new Map<PeerId, number>()
  readonly #joined = new Set<PeerId>()
  /** Sources that have everything. */
  readonly #complete = new Set<PeerId>()
  readonly #done = Promise.withResolvers<void>()
  #timer: Timer | undefined
  #wastedBytes = 0
  #stall: StallReason | undefined
  #slowed: SlowReason | undefined
  readonly #startedMs: Instant
  #lastProgressMs: Instant

  constructor(init: DownloadInit, components: DownloadComponents) {
    const { index, sink, stage, bytesPerSecondMax } = init
    this.#init = init
    this.#chunksEnd = stage === undefined ? index.chunksCount : index.stageRange(stage).to
    this.#components = components
    this.#snapshot = index.cid
    this.#terms = new DeltaTerms(init.basis)
    this.#name = index.cid.toString()
    this.#startedMs = components.clock.monotonicMs()
    this.#lastProgressMs = this.#startedMs
    this.#held = sink.have.clone()
    if (init.expected !== undefined) this.#held.or(init.expected)
    const have = this.#held.clone()
    for (let chunk = this.#chunksEnd; chunk < index.chunksCount; chunk++) have.set(chunk)
    const seed = `${components.random.u32()}-${components.random.u32()}`
    const rate = bytesPerSecondMax === undefined ? {} : { bytesPerSecondMax }
    const start = { self: components.transport.self, catalogue: index, have, now: this.#lastProgressMs, ...rate }
    this.#trace = init.onTrace === undefined ? undefined : new TraceRecorder(start, seed, this.#name, init.onTrace)
    this.#machine = new Download({ ...start, random: seededRandom(seed) })
    this.#tasks = new Tasks((error) => this.#done.reject(error))
  }

  /**
   * Fetches what the sink does not have.
   *
   * @throws {SwarmError} `NO_SOURCE` when patience runs out, `UNVERIFIABLE` when the only source is bad
   * @throws {StorageError} from the sink
   */
  async run(): Promise<DownloadSummary> {
    const { clock, transport, reporter, holdings } = this.#components
    const { index, sink, signal } = this.#init
    const startedMs = clock.monotonicMs()
    reporter.report({ type: 'download-started', snapshot: this.#name, ...progressOf(index, this.#held, this.#chunksEnd) })
    holdings.add(this.#snapshot, sink.have)
    const stopListening = transport.onPeerChange((change) => {
      if (change.type === 'connected') this.#attach(change.peer)
      else this.#sourceLeft(change.peer)
    })
    const onAbort = (): void => this.#done.reject(signal?.reason)
    if (signal?.aborted) onAbort()
    signal?.addEventListener('abort', onAbort, { once: true })
    try {
      for (const peer of transport.peers()) this.#attach(peer)
      this.#scheduleTick()
      this.#step({ type: 'tick', now: clock.monotonicMs() })
      await this.#done.promise
    } finally {
      stopListening()
      signal?.removeEventListener('abort', onAbort)
      this.#timer?.cancel()
      for (const request of this.#requests.values()) request.cancel(request.position)
      await this.#tasks.stop()
    }
    const durationMs = clock.monotonicMs() - startedMs
    reporter.report({ type: 'download-complete', snapshot: this.#name, durationMs })
    return { bytesBySource: this.#bytesBySource, wastedBytes: this.#wastedBytes, durationMs }
  }

  /** Moves these chunks to the front, before every other stage: somebody waits for them. */
  prefer(chunks: readonly number[]): void {
    this.#step({ type: 'prefer', chunks, now: this.#components.clock.monotonicMs() })
  }

  /** Chunk `chunk`, which was expected, is in the sink: it can be served. */
  arrived(chunk: number): void {
    this.#components.holdings.delivered(this.#snapshot, chunk)
  }

  /** Chunks that the sink had are damaged and have left its `have`, or were expected and do not come: fetches them. */
  lost(chunks: readonly number[]): void {
    const wanted = chunks.filter((chunk) => chunk < this.#chunksEnd)
    this.#step({ type: 'lost', chunks: wanted, now: this.#components.clock.monotonicMs() })
  }

  #step(input: DownloadInput): void {
    const effects = this.#machine.step(input)
    this.#trace?.record(input, effects)
    for (const effect of effects) this.#carryOut(effect)
  }

  #carryOut(effect: DownloadEffect): void {
    switch (effect.type) {
      case 'request':
        this.#tasks.spawn(`request to ${effect.source}`, async () => {
          for (const group of this.#terms.split(effect.chunks)) await this.#request(effect.source, group, effect.deadlineMs)
        })
        return
      case 'cancel': {
        const request = this.#requests.get(keyOf(effect.source, effect.chunk))
        request?.cancel(request.position)
        return
      }
      case 'penalize': {
        const detail = effect.chunk < 0 ? '' : `chunk ${effect.chunk} (${this.#init.index.chunkCid(effect.chunk).toString()})`
        this.#components.penalize(effect.source, effect.fault, { detail, mayBan: effect.ban })
        return
      }
      case 'source-dropped':
      case 'source-restored':
        this.#components.reporter.report(sourceEvent(effect, this.#name))
        return
      case 'complete':
        this.#done.resolve()
        return
      case 'failed':
        this.#done.reject(
          new SwarmError({ code: 'UNVERIFIABLE', what: `snapshot ${this.#name}`, peer: effect.source, chunk: effect.chunk }),
        )
        return
      default:
        effect satisfies never
    }
  }

  #attach(peer: PeerId): void {
    this.#tasks.spawn(`source ${peer}`, async (signal) => {
      try {
        const control = await this.#components.link(peer).control()
        const stop = control.subscribe(this.#snapshot, (chunks) => this.#sourceHas(peer, chunks))
        signal.addEventListener('abort', stop, { once: true })
        // At once: until it is known who has deltas, others are asked for what they would send.
        const offers = this.#offersOf(control, signal)
        const first = offers?.next()
        first?.catch(() => {}) // nobody waits for it if the peer has nothing
        const reply = await control.have(this.#snapshot)
        if (signal.aborted || reply.state === 'none') return
        const { chunksCount } = this.#init.index
        const isLastResort = reply.state === 'complete' && reply.lastResort === true
        this.#sourceJoined(peer, reply.state === 'partial' ? Bitmap.decode(reply.bitmap, chunksCount) : 'complete', isLastResort)
        if (offers !== undefined && first !== undefined) await hearOffers(offers, first, (offer) => this.#sourceOffers(peer, offer))
      } catch (error) {
        if (error instanceof ProtocolError) this.#components.penalize(peer, 'malformed-message', { detail: error.message, mayBan: true })
        // Anything else is a peer that left or does not speak our protocol: not a source, and no fault of this download.
      }
    })
  }

  #offersOf(control: ControlClient, signal: AbortSignal): AsyncGenerator<SourceOffers> | undefined {
    const [from] = this.#terms.basis
    const waitUntilMs = this.#startedMs + (this.#init.deltasWaitMs ?? 0)
    if (from === undefined) return undefined
    return askOffers(control, this.#init.index, from, { clock: this.#components.clock, waitUntilMs, signal })
  }

  #sourceOffers(peer: PeerId, { sizes, isPreparing }: SourceOffers): void {
    if (!this.#joined.has(peer)) return
    this.#step({ type: 'source-offers', source: peer, sizes: [...sizes], isPreparing, now: this.#components.clock.monotonicMs() })
  }

  #sourceJoined(peer: PeerId, have: 'complete' | Bitmap, isLastResort = false): void {
    if (this.#joined.has(peer)) return
    this.#joined.add(peer)
    if (have === 'complete') this.#complete.add(peer)
    const chunksHeld = have === 'complete' ? this.#init.index.chunksCount : have.count
    this.#components.reporter.report({ type: 'source-joined', snapshot: this.#name, peer, chunksHeld })
    const now = this.#components.clock.monotonicMs()
    this.#step({ type: 'source-joined', source: peer, have, ...(isLastResort ? { isLastResort } : {}), now })
  }

  #sourceHas(peer: PeerId, chunks: readonly number[]): void {
    if (!this.#joined.has(peer)) this.#sourceJoined(peer, new Bitmap(this.#init.index.chunksCount))
    this.#step({ type: 'source-has', source: peer, chunks, now: this.#components.clock.monotonicMs() })
  }

  #sourceLeft(peer: PeerId): void {
    if (!this.#joined.delete(peer)) return
    this.#complete.delete(peer)
    this.#components.reporter.report({ type: 'source-left', snapshot: this.#name, peer })
    this.#step({ type: 'source-left', source: peer, now: this.#components.clock.monotonicMs() })
  }

  async #request(peer: PeerId, { chunks, basis }: BasisGroup, deadlineMs: number): Promise<void> {
    const { index } = this.#init
    const blocks = chunks.map((chunk) => ({
      cid: index.chunkCid(chunk),
      frameBytesMax: Math.min(FRAME_BYTES_MAX, index.chunkBytes(chunk) + 1),
    }))
    try {
      const exchange = await this.#components.link(peer).exchange()
      const onAnswer = (position: number, answer: BlockAnswer): void => {
        const chunk = chunks[position]!
        this.#requests.delete(keyOf(peer, chunk))
        this.#answered(peer, chunk, answer)
      }
      const request = exchange.want(blocks, deadlineMs, onAnswer, basis)
      for (const [position, chunk] of chunks.entries()) {
        this.#requests.set(keyOf(peer, chunk), { position, cancel: (at) => request.cancel(at) })
      }
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error)
      for (const chunk of chunks) this.#answered(peer, chunk, { type: 'lost', reason })
    }
  }

  #answered(peer: PeerId, chunk: number, answer: BlockAnswer): void {
    const now = this.#components.clock.monotonicMs()
    if (answer.type !== 'frame') {
      this.#step({ type: 'refused', source: peer, chunk, code: answer.type === 'lost' ? 'internal' : refusalCode(answer.code), now })
      return
    }
    const { byteLength: frameBytes } = answer.frame
    const plainBytes = this.#init.index.chunkBytes(chunk)
    this.#components.reporter.report({ type: 'chunk-arrived', snapshot: this.#name, peer, chunk, frameBytes, plainBytes })
    const wanted = this.#machine.isReceivable(peer, chunk)
    this.#step({ type: 'received', source: peer, chunk, frameBytes, now })
    if (wanted) {
      this.#tasks.spawn(`chunk ${chunk}`, () => this.#accept(peer, chunk, answer.frame))
    } else {
      this.#wastedBytes += frameBytes
      this.#components.reporter.report({ type: 'chunk-wasted', snapshot: this.#name, peer, chunk, frameBytes })
    }
  }

  /** The sink keeps nothing that is not the chunk. */
  async #accept(peer: PeerId, chunk: number, frame: Uint8Array): Promise<void> {
    const { index, sink } = this.#init
    const { clock, reporter, holdings, recent } = this.#components
    const { byteLength: frameBytes } = frame
    try {
      const isDelta = this.#terms.isDelta(chunk, frame)
      await sink.deliver(chunk, frame)
      // What came from another node has others to ask for it.
      if (!this.#complete.has(peer) || !holdings.isWatched(this.#snapshot)) freeMemory(frame)
      else if (isDelta) recent.keepDelta(index.chunkCid(chunk), frame, this.#terms.basis)
      else recent.keep(index.chunkCid(chunk), frame)
    } catch (error) {
      if (error instanceof StorageError && error.fault.code === 'BASE_MISSING') return this.#lacksBase(peer, chunk, frameBytes)
      if (!(error instanceof ProtocolError)) throw error
      this.#wastedBytes += frameBytes
      const cid = index.chunkCid(chunk).toString()
      reporter.report({ type: 'chunk-bad', snapshot: this.#name, peer, chunk, cid, reason: error.message })
      this.#step({ type: 'bad', source: peer, chunk, now: clock.monotonicMs() })
      return
    }
    this.#bytesBySource.set(peer, (this.#bytesBySource.get(peer) ?? 0) + frameBytes)
    this.#lastProgressMs = clock.monotonicMs()
    reporter.report({
      type: 'chunk-received',
      snapshot: this.#name,
      peer,
      chunk,
      frameBytes,
      plainBytes: index.chunkBytes(chunk),
    })
    holdings.delivered(this.#snapshot, chunk)
    this.#step({ type: 'delivered', chunk, now: clock.monotonicMs() })
  }

  /** No fault of the peer: it took us at our word. */
  #lacksBase(peer: PeerId, chunk: number, frameBytes: number): void {
    const { clock, reporter } = this.#components
    this.#wastedBytes += frameBytes
    this.#terms.wantWhole(chunk)
    reporter.report({ type: 'chunk-wasted', snapshot: this.#name, peer, chunk, frameBytes })
    this.#step({ type: 'unusable', chunk, now: clock.monotonicMs() })
  }

  #scheduleTick(): void {
    const { clock } = this.#components
    const dueMs = clock.monotonicMs() + TICK_MS
    this.#timer = clock.setTimer(TICK_MS, () => {
      const now = clock.monotonicMs()
      this.#step({ type: 'tick', lateMs: Math.max(0, now - dueMs), now })
      this.#watchPace()
      this.#watchStall(now)
      this.#scheduleTick()
    })
  }

  #watchPace(): void {
    const { slowed } = this.#machine
    if (slowed === this.#slowed) return
    this.#slowed = slowed
    this.#components.reporter.report(
      slowed === undefined
        ? { type: 'download-recovered', snapshot: this.#name }
        : { type: 'download-slowed', snapshot: this.#name, reason: slowed },
    )
  }

  #watchStall(now: number): void {
    const { patienceMs } = this.#init
    const stall = this.#machine.stall(now)
    if (stall !== this.#stall) {
      this.#stall = stall
      this.#components.reporter.report(
        stall === undefined
          ? { type: 'download-resumed', snapshot: this.#name }
          : { type: 'download-stalled', snapshot: this.#name, reason: stall },
      )
    }
    const waitedMs = now - this.#lastProgressMs
    // Our own bound on the rate is no reason to give the sources up.
    if (stall === undefined || stall === 'rate-limited' || patienceMs === undefined || waitedMs < patienceMs) return
    this.#done.reject(new SwarmError({ code: 'NO_SOURCE', what: `snapshot ${this.#name}`, reason: stall, waitedMs: patienceMs }))
  }
}

function keyOf(peer: PeerId, chunk: number): string {
  return `${peer}/${chunk}`
}
