import assert from 'node:assert/strict'
import type { PeerId } from '@cairn/network'

/** What bounds a {@link ServingQueue}; its values and their reasons are in `limits.ts`. */
export interface ServingLimits {
  /** Bytes read and not yet sent, all peers together. */
  readonly bytesMax: number
  /** A peer that holds this many of them gets no further block. */
  readonly peerBytesMax: number
  /** Blocks given out to one peer and not yet sent, however small. */
  readonly peerTurnsMax: number
  /** Bytes that each peer may be sent in one round. */
  readonly quantumBytes: number
  /** A peer that has been sent less is a newcomer. */
  readonly newcomerBytes: number
  /** Share of the bytes that newcomers may get beyond their turns: 0 to less than 1. */
  readonly newcomerShare: number
  readonly peerQueuedMax: number
  readonly queuedMax: number
}

/** A block that somebody waits for, as far as the queue cares. */
export interface Servable {
  /** The most that it can take, reserved until its size is known. */
  readonly bytesMax: number
}

/** Leave to read one block and send it to `peer`. Holds memory until {@link ServingQueue.release}. */
export interface Turn<Block> {
  readonly peer: PeerId
  readonly block: Block
  /** Given out of the newcomers' slot. */
  readonly isNewcomer: boolean
}

/** Why blocks were not queued: the peer has too many queued, or all peers together have. */
export type Overload = 'TOO_MANY' | 'BUSY'

interface PeerState<Block> {
  readonly id: PeerId
  channelsCount: number
  blocks: Block[]
  /** Bytes it may still be sent in this round; negative while it pays for a block that was larger than what was left. */
  deficitBytes: number
  servedBytes: number
  heldBytes: number
  turnsCount: number
  isReading: boolean
  isStalled: boolean
}

/**
 * Decides whose block is read and sent next: deficit round-robin by bytes over the peers that wait, and a slot for newcomers.
 *
 * A round lets each peer be sent a quantum. How large a block is turns out when it is read, so a peer may overdraw its quantum by
 * one block, which it pays back in the next rounds. A round ends when nobody is left who could take a block and has quantum left;
 * whoever cannot (its blocks lie here unsent) does not hold the others up, and saves up no more than one quantum.
 *
 * Newcomers go before everybody, the first to come first, so that a node that has just begun soon has what it needs to be of use.
 * What they get in this way is a share of what the others get, so no number of newcomers holds those up.
 *
 * Invariants:
 * - bytes reserved and held stay within `bytesMax`; one peer holds at most `peerBytesMax` and one block more;
 * - of two peers that wait from the same moment on, and take what they are given, neither is sent more than a quantum and a block
 *   ahead of the other, what newcomers get not counted;
 * - from the newcomers' slot come at most `newcomerShare` of all bytes and one block more.
 */
export class ServingQueue<Block extends Servable> {
  readonly #limits: ServingLimits
  readonly #peers = new Map<PeerId, PeerState<Block>>()
  readonly #reservedBytes = new Map<Turn<Block>, number>()
  /** Peers that have something queued, in the order of their turns. */
  #ring: PeerState<Block>[] = []
  #heldBytes = 0
  #queuedCount = 0
  /** What newcomers may get beyond their turns; earned by what the others get. */
  #slotBytes = 0
  #isNewcomerReading = false
  #isShort = false

  constructor(limits: ServingLimits) {
    assert(limits.newcomerShare >= 0 && limits.newcomerShare < 1, 'newcomers get a share and not all')
    this.#limits = limits
  }

  /** Blocks that wait for their turn. */
  get queuedCount(): number {
    return this.#queuedCount
  }

  /** Bytes reserved for blocks that are being read, and held by those that are not sent yet. */
  get heldBytes(): number {
    return this.#heldBytes
  }

  /** Whether the last call of {@link next} found somebody whose turn it is, and no memory. */
  get isShort(): boolean {
    return this.#isShort
  }

  /** `peer` opens a channel. */
  join(peer: PeerId): void {
    this.#stateOf(peer).channelsCount += 1
  }

  /** A channel of `peer` has ended. With its last one, and when nothing is queued or held any more, what it was sent is forgotten. */
  leave(peer: PeerId): void {
    const state = this.#stateOf(peer)
    state.channelsCount -= 1
    this.#forgetIfGone(state)
  }

  /** Queues all of `blocks` for `peer`, or none and says why. */
  add(peer: PeerId, blocks: readonly Block[]): Overload | undefined {
    const state = this.#stateOf(peer)
    if (state.blocks.length + blocks.length > this.#limits.peerQueuedMax) return 'TOO_MANY'
    if (this.#queuedCount + blocks.length > this.#limits.queuedMax) return 'BUSY'
    this.#enqueue(state, [...state.blocks, ...blocks])
    return undefined
  }

  /** Takes blocks of `peer` that `matches` out of the queue; those whose turn has come are not there any more. */
  remove(peer: PeerId, matches: (block: Block) => boolean): readonly Block[] {
    const state = this.#peers.get(peer)
    if (state === undefined) return []
    const removed: Block[] = []
    const kept: Block[] = []
    for (const block of state.blocks) (matches(block) ? removed : kept).push(block)
    this.#enqueue(state, kept)
    this.#forgetIfGone(state)
    return removed
  }

  /** The next block to read, with memory reserved for it; `undefined` while nobody can take one, or memory is short. */
  next(): Turn<Block> | undefined {
    this.#isShort = false
    const newcomer = this.#nextNewcomer()
    const state = newcomer ?? this.#nextInRound()
    const block = state?.blocks[0]
    if (state === undefined || block === undefined) return undefined
    if (this.#heldBytes + block.bytesMax > this.#limits.bytesMax) {
      // Nobody with a smaller block goes before, or a large one might wait for ever.
      this.#isShort = true
      return undefined
    }
    this.#enqueue(state, state.blocks.slice(1))
    // The others of this round come before its next block.
    this.#ring = [...this.#ring.filter((other) => other !== state), ...(state.blocks.length > 0 ? [state] : [])]
    const turn: Turn<Block> = { peer: state.id, block, isNewcomer: newcomer !== undefined }
    state.isReading = true
    state.turnsCount += 1
    this.#isNewcomerReading ||= turn.isNewcomer
    this.#hold(state, turn, block.bytesMax)
    return turn
  }

  /** The block of `turn` takes `bytes`, 0 if there is none to send. */
  loaded(turn: Turn<Block>, bytes: number): void {
    const state = this.#stateOf(turn.peer)
    assert(bytes <= turn.block.bytesMax, 'a block keeps to what was reserved for it')
    this.#hold(state, turn, bytes)
    state.isReading = false
    const { newcomerBytes, newcomerShare } = this.#limits
    if (turn.isNewcomer) {
      this.#isNewcomerReading = false
      this.#slotBytes -= bytes
    } else {
      state.deficitBytes -= bytes
      const earnedBytes = (bytes * newcomerShare) / (1 - newcomerShare)
      if (!this.#isNewcomer(state)) this.#slotBytes = Math.min(newcomerBytes, this.#slotBytes + earnedBytes)
    }
    state.servedBytes += bytes
  }

  /** The block of `turn`, which was {@link loaded}, was sent, or will not be: its memory is free. */
  release(turn: Turn<Block>): void {
    const state = this.#stateOf(turn.peer)
    assert(this.#reservedBytes.has(turn), 'a turn ends once')
    this.#hold(state, turn, 0)
    this.#reservedBytes.delete(turn)
    state.turnsCount -= 1
    this.#forgetIfGone(state)
  }

  /** Like {@link release}, with the block back at the front of the queue: it will be read again. */
  putBack(turn: Turn<Block>): void {
    const state = this.#stateOf(turn.peer)
    this.#enqueue(state, [turn.block, ...state.blocks])
    this.release(turn)
  }

  /** A peer that takes nothing is given nothing until it does. */
  setStalled(peer: PeerId, isStalled: boolean): void {
    const state = this.#peers.get(peer)
    if (state !== undefined) state.isStalled = isStalled
  }

  #nextNewcomer(): PeerState<Block> | undefined {
    if (this.#slotBytes <= 0 || this.#isNewcomerReading) return undefined
    for (const state of this.#peers.values()) if (this.#isNewcomer(state) && this.#isReady(state)) return state
    return undefined
  }

  #nextInRound(): PeerState<Block> | undefined {
    const ready = this.#ring.filter((state) => this.#isReady(state))
    if (ready.length === 0) return undefined
    if (ready.every(({ deficitBytes }) => deficitBytes <= 0)) this.#beginRound(ready)
    return ready.find(({ deficitBytes }) => deficitBytes > 0)
  }

  /** Begins as many rounds as it takes until one of `ready` has something to spend. */
  #beginRound(ready: readonly PeerState<Block>[]): void {
    const { quantumBytes } = this.#limits
    const leastDebt = Math.min(...ready.map(({ deficitBytes }) => -deficitBytes))
    const grantedBytes = (Math.floor(leastDebt / quantumBytes) + 1) * quantumBytes
    for (const state of this.#peers.values()) {
      // Debts are paid while nothing is asked for, too; what is not used is not saved.
      state.deficitBytes = Math.min(state.deficitBytes + grantedBytes, state.blocks.length > 0 ? quantumBytes : 0)
    }
  }

  #isReady({ blocks, isReading, isStalled, turnsCount, heldBytes }: PeerState<Block>): boolean {
    const { peerBytesMax, peerTurnsMax } = this.#limits
    return blocks.length > 0 && !isReading && !isStalled && turnsCount < peerTurnsMax && heldBytes < peerBytesMax
  }

  #isNewcomer({ servedBytes }: PeerState<Block>): boolean {
    return servedBytes < this.#limits.newcomerBytes
  }

  #enqueue(state: PeerState<Block>, blocks: Block[]): void {
    this.#queuedCount += blocks.length - state.blocks.length
    const wasQueued = state.blocks.length > 0
    state.blocks = blocks
    if (blocks.length === 0) this.#ring = this.#ring.filter((other) => other !== state)
    else if (!wasQueued) this.#ring.push(state)
  }

  #hold(state: PeerState<Block>, turn: Turn<Block>, bytes: number): void {
    const differenceBytes = bytes - (this.#reservedBytes.get(turn) ?? 0)
    this.#reservedBytes.set(turn, bytes)
    this.#heldBytes += differenceBytes
    state.heldBytes += differenceBytes
  }

  #forgetIfGone(state: PeerState<Block>): void {
    if (state.channelsCount === 0 && state.turnsCount === 0 && state.blocks.length === 0) this.#peers.delete(state.id)
  }

  #stateOf(peer: PeerId): PeerState<Block> {
    let state = this.#peers.get(peer)
    if (state === undefined) {
      state = {
        id: peer,
        channelsCount: 0,
        blocks: [],
        deficitBytes: 0,
        servedBytes: 0,
        heldBytes: 0,
        turnsCount: 0,
        isReading: false,
        isStalled: false,
      }
      this.#peers.set(peer, state)
    }
    return state
  }
}
