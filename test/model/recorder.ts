import { type BlockHeader, type Certificate, type CommitteeSize, type Digest, headerDigest, SKIP, type Vote } from '@cairn/ledger'
import type { TraceLine } from './trace.ts'

/** What a recorder must know before anything happens. */
export interface RecorderInit {
  readonly size: CommitteeSize
  readonly liars: readonly number[]
  readonly base: { readonly epoch: number; readonly slot: number; readonly digest: Digest }
  /** The recording ends before the first line about a slot further from the base than this. */
  readonly slotsMax: number
}

/**
 * Writes down one epoch of a run, as what happens is told to it: an honest vote once it is durable, a liar's once it is let out,
 * a certificate once a seat that keeps the rules believes it. What is said twice is written once.
 */
export class TraceRecorder {
  readonly lines: TraceLine[] = []
  readonly #init: RecorderInit
  readonly #written = new Set<string>()
  readonly #blocks = new Map<Digest, number>()
  /** What names a block that nobody can place yet: nothing follows from it until then. */
  readonly #early = new Map<Digest, (() => void)[]>()
  #ended = false

  constructor(init: RecorderInit) {
    this.#init = init
    const { size, liars, base } = init
    this.lines.push({ type: 'committee', size, liars, base: { slot: base.slot, digest: base.digest } })
    this.#blocks.set(base.digest, base.slot)
  }

  header(header: BlockHeader): void {
    const { epoch, slot, parentSlot, parent } = header
    if (epoch !== this.#init.base.epoch) return
    this.#once(parent, () => {
      if (this.#blocks.get(parent) !== parentSlot) return
      const digest = headerDigest(header)
      if (!this.#write(slot, { type: 'block', slot, digest, parentSlot, parent })) return
      this.#blocks.set(digest, slot)
      for (const say of this.#early.get(digest) ?? []) say()
      this.#early.delete(digest)
    })
  }

  vote({ epoch, slot, kind, digest, seat }: Vote): void {
    if (epoch !== this.#init.base.epoch) return
    this.#about(slot, digest, { type: 'vote', seat, slot, kind, digest })
  }

  certificate({ epoch, slot, kind, digest }: Certificate): void {
    if (epoch !== this.#init.base.epoch) return
    this.#about(slot, digest, { type: 'certificate', slot, kind, digest })
  }

  final(point: { readonly epoch: number; readonly slot: number; readonly digest: Digest }, seat: number): void {
    const { epoch, slot, digest } = point
    if (epoch !== this.#init.base.epoch) return
    this.#about(slot, digest, { type: 'final', seat, slot, digest })
  }

  /** A liar's vote may name a block that there is not, or one of another slot: no rule looks at it. */
  #about(slot: number, digest: Digest, line: TraceLine): void {
    if (digest === SKIP) this.#write(slot, line)
    else {
      this.#once(digest, () => {
        if (this.#blocks.get(digest) === slot) this.#write(slot, line)
      })
    }
  }

  #once(digest: Digest, say: () => void): void {
    if (this.#blocks.has(digest)) return say()
    const waiting = this.#early.get(digest) ?? []
    waiting.push(say)
    this.#early.set(digest, waiting)
  }

  #write(slot: number, line: TraceLine): boolean {
    const name = JSON.stringify(line)
    if (slot <= this.#init.base.slot || this.#written.has(name)) return false
    this.#ended ||= slot > this.#init.base.slot + this.#init.slotsMax
    if (this.#ended) return false
    this.#written.add(name)
    this.lines.push(line)
    return true
  }
}
