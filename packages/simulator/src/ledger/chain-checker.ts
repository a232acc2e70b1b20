import {
  type BlockHeader,
  type ChainPoint,
  type Digest,
  EMPTY_PAYLOAD_ROOT,
  headerDigest,
  type Payload,
  payloadFacts,
  ZERO_DIGEST,
} from '@cairn/ledger'
import type { AppliedEntry } from './disk.ts'
import { insist } from './invariant.ts'
import type { LedgerObserver } from './observer.ts'

/** What all replicas together believe of the chain. */
export class ChainChecker {
  /** Of final blocks, by height. */
  readonly #chain: Digest[]
  readonly #roots = new Map<number, Digest>()
  readonly #headers = new Map<Digest, BlockHeader>()
  readonly #payloads = new Map<Digest, Payload>()
  readonly #finalOf = new Map<string, Digest>()
  readonly #operations = new Map<string, number>()
  readonly #base: ChainPoint
  readonly #observer: LedgerObserver | undefined

  constructor(base: ChainPoint, observer?: LedgerObserver) {
    this.#base = base
    this.#observer = observer
    this.#chain = [base.digest]
  }

  /** Height of the newest block that any replica holds for final. */
  get height(): number {
    return this.#chain.length - 1
  }

  header(digest: Digest): BlockHeader | undefined {
    return this.#headers.get(digest)
  }

  learnHeader(header: BlockHeader): void {
    this.#observer?.header(header)
    this.#headers.set(headerDigest(header), header)
  }

  learnPayload(payload: Payload): void {
    this.#payloads.set(payloadFacts(payload).root, payload)
  }

  /** The operations that `header` names, as far as they were ever seen. */
  payloadOf(header: BlockHeader): Payload {
    return this.#payloads.get(header.payloadRoot) ?? []
  }

  parentOf(header: BlockHeader): ChainPoint | BlockHeader | undefined {
    return header.parent === this.#base.digest ? this.#base : this.#headers.get(header.parent)
  }

  /** S1, S2, S10 for what one replica, in one life, calls final. `before` is what it called final before. */
  final(point: ChainPoint, before: ChainPoint, who: number): void {
    this.#observer?.final(point, who)
    insist(point.height === before.height + 1, 'S10', () => `node ${who} went from height ${before.height} to ${point.height}`)
    insist(point.slot > before.slot && point.epoch >= before.epoch, 'S10', () => `node ${who} went back to slot ${point.slot}`)
    const known = this.#chain[point.height]
    insist(
      known === undefined || known === point.digest,
      'S1',
      () => `height ${point.height} is final as ${known} and, at node ${who}, as ${point.digest}`,
    )
    const header = this.#headers.get(point.digest)
    insist(
      header !== undefined && header.parent === this.#chain[point.height - 1],
      'S1',
      () => `height ${point.height} does not follow its parent`,
    )
    insist(point.time >= before.time, 'S10', () => `time goes back at height ${point.height}`)
    const attested = header.stateHeight === 0 ? undefined : this.#roots.get(header.stateHeight)
    insist(attested === undefined || attested === header.stateRoot, 'S12', () => `height ${point.height} attests a state that nobody has`)
    this.#chain[point.height] = point.digest
    const key = `${point.epoch}/${point.slot}`
    const other = this.#finalOf.get(key)
    insist(other === undefined || other === point.digest, 'S2', () => `slot ${key} has two final blocks`)
    this.#finalOf.set(key, point.digest)
    const parent = this.parentOf(header)
    const ended = parent !== undefined && parent.epoch === point.epoch && parent.nextCommittee !== ZERO_DIGEST
    insist(!ended, 'S15', () => `height ${point.height} is part of the history after the end of epoch ${point.epoch}`)
  }

  /** S19: what a replica finds after a restart is the history that there was, and reaches as far as the state that it kept. */
  restarted(point: ChainPoint, appliedHeight: number, who: number): void {
    const known = this.#chain[point.height]
    insist(known === undefined || known === point.digest, 'S19', () => `node ${who} restarts at height ${point.height} of another history`)
    insist(point.height >= appliedHeight, 'S19', () => `node ${who} restarts at height ${point.height}, below its state's ${appliedHeight}`)
  }

  /** S12, S19 for a state that one replica fetched in place of the blocks up to `point`. */
  installed(applied: readonly AppliedEntry[], point: ChainPoint, who: number): void {
    const last = applied.at(-1)
    insist(last?.point.digest === point.digest, 'P7', () => `node ${who} installed another state than that of height ${point.height}`)
    insist(
      this.#chain[point.height] === point.digest,
      'S19',
      () => `node ${who} installed a state of height ${point.height} that is not final`,
    )
    insist(this.#roots.get(point.height) === last.stateRoot, 'S12', () => `node ${who} fetched another state at height ${point.height}`)
  }

  /** S11, S12, S21 for what one replica applies. */
  applied({ point, stateRoot, operations }: AppliedEntry, before: number, who: number): void {
    insist(point.height === before + 1, 'S11', () => `node ${who} applied height ${point.height} after ${before}`)
    insist(this.#chain[point.height] === point.digest, 'S11', () => `node ${who} applied at height ${point.height} what is not final`)
    const root = this.#roots.get(point.height) ?? stateRoot
    insist(root === stateRoot, 'S12', () => `node ${who} has another state at height ${point.height}`)
    this.#roots.set(point.height, stateRoot)
    for (const id of operations) {
      const height = this.#operations.get(id) ?? point.height
      insist(height === point.height, 'S21', () => `operation ${id} took effect at heights ${height} and ${point.height}`)
      this.#operations.set(id, height)
    }
  }

  isFinal(operation: string): boolean {
    return this.#operations.has(operation)
  }

  /** S15 and, for leaders that keep the rules, S21: nothing is proposed that an ancestor has. */
  proposed(header: BlockHeader, who: number): void {
    const parent = this.parentOf(header)
    const ended = parent !== undefined && parent.epoch === header.epoch && parent.nextCommittee !== ZERO_DIGEST
    insist(!ended || header.payloadRoot === EMPTY_PAYLOAD_ROOT, 'S15', () => `node ${who} proposed operations after the end block`)
    const own = new Set(this.#payloads.get(header.payloadRoot)?.map(({ id }) => id))
    if (own.size === 0) return
    for (let at = this.#headers.get(header.parent); at !== undefined; at = this.#headers.get(at.parent)) {
      const twice = this.#payloads.get(at.payloadRoot)?.find(({ id }) => own.has(id))
      insist(twice === undefined, 'S21', () => `node ${who} proposed operation ${twice?.id} again in slot ${header.slot}`)
    }
  }
}
