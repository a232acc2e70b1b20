import { type Committee, type PresetName } from '../../src/committee.ts'
import { ZERO_DIGEST } from '../../src/digest.ts'
import type { Effect, EngineEvent, Notice } from '../../src/engine/events.ts'
import type { LogRecord, Message } from '../../src/engine/messages.ts'
import { type Applied, recover } from '../../src/engine/recover.ts'
import { DEFAULT_SETTINGS } from '../../src/engine/settings.ts'
import { createState, type EngineInit, type EngineState } from '../../src/engine/state.ts'
import { step } from '../../src/engine/step.ts'
import type { ChainPoint } from '../../src/header.ts'
import { ed25519Verifier, type Signer } from '../../src/signing.ts'
import { signVote, type Vote } from '../../src/votes.ts'
import { committeeOf, digestOf, LEDGER, signersOf } from '../fixtures.ts'

export const BASE: ChainPoint = {
  digest: digestOf(1),
  epoch: 0,
  slot: 0,
  height: 0,
  time: 0,
  stateHeight: 0,
  nextCommittee: ZERO_DIGEST,
}

/** One engine, driven by hand: what it does at once is collected, what it writes is durable when the test says so. */
export class Seat {
  readonly init: EngineInit
  state: EngineState
  readonly log: LogRecord[] = []
  effects: Effect[] = []
  #token = 0

  constructor(init: EngineInit) {
    this.init = init
    this.state = createState(init)
  }

  step(event: EngineEvent): readonly Effect[] {
    const effects = step(this.state, 1000, event)
    for (const effect of effects) {
      if (effect.type === 'persist') {
        this.log.push(...effect.records)
        this.#token = effect.token
      }
      this.effects.push(effect)
    }
    for (const effect of effects) if (effect.type === 'validate') this.step({ type: 'validated', root: effect.root, valid: true })
    return effects
  }

  hear(from: number, message: Message): readonly Effect[] {
    return this.step({ type: 'received', from: `p${from}`, message })
  }

  sync(): void {
    this.step({ type: 'durable', token: this.#token })
  }

  /** Fires the timer that runs under that name. */
  fire(timer: 'slot' | 'propose' | 'hold' | 'resend' | 'fetch'): void {
    this.step({ type: 'timer', timer, id: this.state.timerIds[timer] })
  }

  restart(applied?: Applied): void {
    this.state = recover(this.init, this.log, applied)
    this.effects = []
    this.step({ type: 'start' })
  }

  /** Messages sent so far of one type. */
  sent<Type extends Message['type']>(type: Type): Extract<Message, { readonly type: Type }>[] {
    return this.effects.flatMap((effect) =>
      effect.type === 'send' && effect.message.type === type ? [effect.message as Extract<Message, { readonly type: Type }>] : [],
    )
  }

  votes(): string[] {
    return this.sent('vote').map(({ vote }) => `${vote.kind} ${vote.slot} ${vote.digest === ZERO_DIGEST ? 'skip' : 'block'}`)
  }

  notices(): Notice[] {
    return this.effects.flatMap((effect) => (effect.type === 'emit' ? [effect.event] : []))
  }
}

export interface Table {
  readonly committee: Committee
  readonly signers: readonly Signer[]
  readonly seats: readonly Seat[]
  vote(seat: number, kind: Vote['kind'], slot: number, digest: string): Message
}

/** A committee with real keys, all seats started. */
export function table(preset: PresetName, count: number): Table {
  const signers = signersOf(count)
  const committee = committeeOf(preset, signers)
  const verifier = ed25519Verifier()
  const seats = signers.map((signer, seat) => {
    const own = Buffer.from(signer.publicKey)
    return new Seat({
      ledger: LEDGER,
      settings: DEFAULT_SETTINGS,
      role: 'full',
      self: `p${seat}`,
      start: { number: 0, committee, base: BASE },
      verifier,
      signerOf: (publicKey) => (own.equals(publicKey) ? signer : undefined),
      policyRoot: ZERO_DIGEST,
    })
  })
  for (const seat of seats) seat.step({ type: 'start' })
  const vote = (seat: number, kind: Vote['kind'], slot: number, digest: string): Message => ({
    type: 'vote',
    vote: signVote(LEDGER, signers[seat]!, { kind, epoch: 0, slot, digest, seat }),
  })
  return { committee, signers, seats, vote }
}
