import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { PresetName } from '../../src/committee.ts'
import type { Effect, EngineEvent } from '../../src/engine/events.ts'
import type { Message } from '../../src/engine/messages.ts'
import { step } from '../../src/engine/step.ts'
import { digestOf } from '../fixtures.ts'
import { type Seat, table } from './seats.ts'

// Goal: with one link cut, the fast path that most seats take must not leave behind the seats that cannot take it, whose votes the next block needs.
// Method: all seats in virtual time, one millisecond for each message and each sync, operations at every seat; what is final after four seconds.

const LINK_MS = 1
const SYNC_MS = 1
const RUN_MS = 4000

class Run {
  readonly #seats: readonly Seat[]
  readonly #isCut: (from: number, to: number) => boolean
  readonly #due: { readonly atMs: number; readonly order: number; readonly act: () => void }[] = []
  readonly #durable: number[]
  readonly #held: Extract<Effect, { readonly type: 'send' }>[][]
  #nowMs = 0
  #order = 0

  constructor(preset: PresetName, count: number, isCut: (from: number, to: number) => boolean) {
    this.#seats = table(preset, count).seats
    this.#isCut = isCut
    this.#durable = this.#seats.map(() => 0)
    this.#held = this.#seats.map(() => [])
  }

  /** Slots that are final at the first seat in the end. */
  slotsFinal(): number {
    for (const [seat, { effects }] of this.#seats.entries()) for (const effect of effects) this.#do(seat, effect)
    let id = 0
    for (let atMs = 50; atMs < RUN_MS; atMs += 25) {
      for (const seat of this.#seats.keys()) {
        this.#in(atMs, () => this.#step(seat, { type: 'submit', operation: { id: `${id++}`, body: new Uint8Array(8) } }))
      }
    }
    for (let next = this.#take(); next !== undefined && next.atMs <= RUN_MS; next = this.#take()) {
      this.#nowMs = next.atMs
      next.act()
    }
    return this.#seats[0]!.state.final.slot
  }

  #take(): { readonly atMs: number; readonly act: () => void } | undefined {
    let first = 0
    for (const [at, { atMs, order }] of this.#due.entries()) {
      const best = this.#due[first]!
      if (atMs < best.atMs || (atMs === best.atMs && order < best.order)) first = at
    }
    return this.#due.splice(first, 1)[0]
  }

  #in(ms: number, act: () => void): void {
    this.#due.push({ atMs: this.#nowMs + ms, order: this.#order++, act })
  }

  #step(seat: number, event: EngineEvent): void {
    for (const effect of step(this.#seats[seat]!.state, 1_000_000 + this.#nowMs, event)) this.#do(seat, effect)
  }

  #do(seat: number, effect: Effect): void {
    switch (effect.type) {
      case 'persist':
        return this.#in(SYNC_MS, () => this.#synced(seat, effect.token))
      case 'send':
        if ((effect.after ?? 0) <= this.#durable[seat]!) return this.#send(seat, effect.to, effect.message)
        this.#held[seat]!.push(effect)
        return
      case 'fetch':
        return this.#send(seat, [effect.from], { type: 'fetch', want: effect.want })
      case 'setTimer':
        return this.#in(effect.afterMs, () => this.#step(seat, { type: 'timer', timer: effect.timer, id: effect.id }))
      case 'validate':
        return this.#in(0, () => this.#step(seat, { type: 'validated', root: effect.root, valid: true }))
      case 'apply': {
        const { height } = effect.point
        return this.#in(0, () => this.#step(seat, { type: 'applied', height, stateRoot: digestOf(height % 200) }))
      }
      default:
    }
  }

  #synced(seat: number, token: number): void {
    this.#durable[seat] = token
    const held = this.#held[seat]!
    this.#held[seat] = held.filter(({ after }) => (after ?? 0) > token)
    for (const { after, to, message } of held) if ((after ?? 0) <= token) this.#send(seat, to, message)
    this.#step(seat, { type: 'durable', token })
  }

  #send(from: number, peers: readonly string[], message: Message): void {
    for (const peer of peers) {
      const to = Number(peer.slice(1))
      if (to !== from && !this.#isCut(from, to)) this.#in(LINK_MS, () => this.#step(to, { type: 'received', from: `p${from}`, message }))
    }
  }
}

describe('a link that is cut', () => {
  for (const [preset, count] of [
    ['cft-3', 3],
    ['bft-4', 4],
  ] as const) {
    it(`does not slow down the other seats of ${preset}`, () => {
      const whole = new Run(preset, count, () => false).slotsFinal()
      const cut = new Run(preset, count, (a, b) => Math.min(a, b) === count - 2 && Math.max(a, b) === count - 1).slotsFinal()
      assert.ok(whole > 50 && cut > whole / 2, `${cut} slots are final with a link cut, ${whole} without`)
    })
  }
})
