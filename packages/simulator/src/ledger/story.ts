import { type Effect, type EngineEvent, type Message, type Notice, SKIP } from '@cairn/ledger'
import type { LedgerHost } from './host.ts'

/** Lines kept: the last slots before something broke. */
const LINES_MAX = 400

/** What happened, for a person: one line for each thing that a replica heard and did. */
export class Story {
  readonly #lines: string[] = []

  get text(): string {
    return this.#lines.join('\n')
  }

  note(at: number, node: number, what: string): void {
    this.#lines.push(`${String(at).padStart(7)} ms  node ${node}  ${what}`)
    if (this.#lines.length > LINES_MAX) this.#lines.shift()
  }

  stepped(at: number, host: LedgerHost, event: EngineEvent, effects: readonly Effect[]): void {
    const done = effects.flatMap(describeEffect)
    if (done.length === 0 && event.type !== 'received') return
    const { state } = host
    const where = state === undefined ? '' : `[slot ${state.current}, final ${state.final.height}]`
    this.note(at, host.node, `${where} ${describeEvent(event)}${done.length > 0 ? ` → ${done.join('; ')}` : ''}`)
  }
}

function describeEvent(event: EngineEvent): string {
  switch (event.type) {
    case 'received':
      return `hears from ${event.from}: ${describeMessage(event.message)}`
    case 'timer':
      return `timer ${event.timer}`
    case 'durable':
      return `durable up to ${event.token}`
    case 'submit':
      return `a client submits ${event.operation.id}`
    case 'applied':
      return `applied height ${event.height}`
    case 'validated':
      return `payload ${short(event.root)} is ${event.valid ? 'valid' : 'invalid'}`
    case 'start':
    case 'reconfigure':
      return event.type
    default:
      return event satisfies never
  }
}

function describeEffect(effect: Effect): string[] {
  switch (effect.type) {
    case 'send':
      return [`says ${describeMessage(effect.message)}${effect.after === undefined ? '' : ` after ${effect.after}`}`]
    case 'emit':
      return effect.event.type === 'slot-entered' || effect.event.type === 'queued' ? [] : [describeNotice(effect.event)]
    case 'apply':
      return [`applies height ${effect.point.height} (${effect.payload.map(({ id }) => id).join(', ')})`]
    case 'fetch':
      return [`asks ${effect.from} for ${effect.want.type}`]
    case 'persist':
    case 'serve':
    case 'setTimer':
    case 'validate':
    case 'eraseKey':
      return []
    default:
      return effect satisfies never
  }
}

function describeNotice(notice: Notice): string {
  if (notice.type === 'skip-voted') return `skips slot ${notice.slot}: ${notice.reason}`
  return notice.type === 'final' ? `height ${notice.point.height} is final (${notice.path})` : notice.type
}

function describeMessage(message: Message): string {
  switch (message.type) {
    case 'vote': {
      const { kind, slot, digest, seat, epoch } = message.vote
      return `${kind} vote of seat ${seat} in slot ${epoch}/${slot} for ${short(digest)}`
    }
    case 'proposal': {
      const { header } = message.proposal
      return `header of slot ${header.epoch}/${header.slot} height ${header.height} on ${short(header.parent)}`
    }
    case 'certificate':
      return `${message.certificate.kind} of slot ${message.certificate.slot} for ${short(message.certificate.digest)}`
    case 'payload':
      return `payload of ${message.payload.length}`
    case 'fetch':
      return `wants ${message.want.type}`
    case 'batch':
      return `batch of ${message.items.length} up to height ${message.height}`
    case 'operations':
      return `${message.operations.length} operations`
    case 'ready':
      return `ready for what follows epoch ${message.ready.epoch}`
    case 'evidence':
    case 'committee':
      return message.type
    default:
      return message satisfies never
  }
}

function short(digest: string): string {
  return digest === SKIP ? 'SKIP' : digest.slice(0, 8)
}
