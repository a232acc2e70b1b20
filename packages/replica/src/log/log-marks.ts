import { type LogRecord, payloadFacts } from '@cairn/ledger'
import { UNCLAIMED_SLOTS_MAX } from './limits.ts'

/** Remembers from which record on the log is still needed, for what is not final and applied yet. */
export class LogMarks {
  /** First record about each slot. */
  readonly #slots = new Map<number, number>()
  /** Payloads by root: their record, and the slot of a block that names them, or else in which they came. */
  readonly #payloads = new Map<string, { readonly seq: number; slot: number; isClaimed: boolean }>()
  readonly #slotOfRoot = new Map<string, number>()

  /** Slots and payloads that are remembered. */
  get size(): number {
    return this.#slots.size + this.#payloads.size + this.#slotOfRoot.size
  }

  /** `record` stands in the log at `seq` or behind it; the seat is in slot `current`. */
  note(record: LogRecord, seq: number, current: number): void {
    switch (record.type) {
      case 'vote':
      case 'proposed':
        return this.#mark(record.slot, seq)
      case 'certificate':
        return this.#mark(record.certificate.slot, seq)
      case 'block': {
        const { slot, payloadRoot } = record.proposal.header
        this.#mark(slot, seq)
        this.#slotOfRoot.set(payloadRoot, slot)
        const payload = this.#payloads.get(payloadRoot)
        if (payload !== undefined) {
          payload.slot = slot
          payload.isClaimed = true
        }
        return
      }
      case 'payload': {
        const { root } = payloadFacts(record.payload)
        const slot = this.#slotOfRoot.get(root)
        this.#payloads.set(root, { seq, slot: slot ?? current, isClaimed: slot !== undefined })
        return
      }
      // What is known of the next committee is appended again for as long as it is needed, and how an epoch began is kept with the checkpoint.
      case 'committee':
      case 'ready':
      case 'epoch':
        return
      default:
        record satisfies never
    }
  }

  /** The first record that is needed when everything up to `slot` is final, applied and on disk; Infinity if none is. */
  neededAfter(slot: number): number {
    let needed = Infinity
    for (const [each, seq] of this.#slots) {
      if (each > slot) needed = Math.min(needed, seq)
      else this.#slots.delete(each)
    }
    for (const [root, payload] of this.#payloads) {
      const isOver = payload.isClaimed ? payload.slot <= slot : payload.slot + UNCLAIMED_SLOTS_MAX <= slot
      if (isOver) this.#payloads.delete(root)
      else needed = Math.min(needed, payload.seq)
    }
    for (const [root, each] of this.#slotOfRoot) if (each <= slot) this.#slotOfRoot.delete(root)
    return needed
  }

  #mark(slot: number, seq: number): void {
    if (!this.#slots.has(slot)) this.#slots.set(slot, seq)
  }
}
