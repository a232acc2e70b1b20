import { type EpochStart, gatherEpochRecord, joinersOf, openEpochRecord, type Ready } from '@cairn/ledger'
import type { Replica } from './replica.ts'
import { insist } from './invariant.ts'

/**
 * Checks that light clients can follow: of every epoch that begins, whoever joined in it has left its word on the disk of a replica that keeps
 * the rules, in a form that a light client believes.
 */
export class EpochChecker {
  /** By epoch. */
  readonly #starts = new Map<number, EpochStart>()
  /** What disks held. */
  readonly #readies: Ready[] = []

  /** `ready` is durable at a replica that keeps the rules. */
  durable(ready: Ready): void {
    const isKnown = this.#readies.some(
      ({ epoch, committee, publicKey }) =>
        epoch === ready.epoch && committee === ready.committee && Buffer.compare(publicKey, ready.publicKey) === 0,
    )
    if (!isKnown) this.#readies.push(ready)
  }

  /** `start` is durable at `host`, which keeps the rules. */
  started({ node, state }: Replica, start: EpochStart): void {
    if (state === undefined || this.#starts.has(start.number)) return
    this.#starts.set(start.number, start)
    const { ledger, verifier, start: first } = state.init
    const from = start.number === 1 ? first : this.#starts.get(start.number - 1)
    if (from === undefined) return
    const { committee } = from
    const next = start.committee
    const words = openEpochRecord(from, start, this.#readies)
    const believed = gatherEpochRecord(ledger, committee, next, verifier, { ...words, ready: [] }, { ready: words.ready, signatures: [] })
    const joiners = joinersOf(committee, next)
    insist(
      believed.ready.length === joiners.length,
      'L6',
      () =>
        `node ${node} began epoch ${start.number} with ${joiners.length} new keys, and no light client can believe in more than ${believed.ready.length} of them`,
    )
  }
}
