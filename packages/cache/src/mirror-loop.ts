import type { RetentionDecision, SnapshotFacts } from '@cairn/policy'
import type { CID, SnapshotIndex } from '@cairn/protocol'
import type { BlockSource } from '@cairn/storage'
import { SwarmError, Wake } from '@cairn/swarm'
import { Backoff } from './backoff.ts'
import type { Catalogue } from './catalogue.ts'
import { CacheError } from './errors.ts'
import type { EvictionReason } from './events.ts'
import { Evictor } from './evictor.ts'
import { MANIFEST_PATIENCE_MS, RETRY_MS_MAX, RETRY_MS_MIN } from './limits.ts'
import { fetchMirror, type MirrorFetchComponents } from './mirror-fetch.ts'
import type { Mirror } from './mirrors.ts'
import { PageOverlay } from './page-overlay.ts'
import { factsOf, planByBlocks, wantedOf } from './plan.ts'
import { reasonOf } from './reason.ts'

export interface MirrorLoopInit {
  readonly network: string
  readonly capacityBytes: number
  readonly channels: readonly string[]
  readonly versionsPinned: 1 | 2
  readonly catalogue: () => Catalogue
}

/**
 * Brings the store in line with the metadata, one step at a time: drops what was withdrawn, plans, makes room, fetches the most
 * wanted snapshot, and begins again. Everything that fails is tried again later; what is mirrored stays in service meanwhile.
 */
export class MirrorLoop {
  readonly #init: MirrorLoopInit
  readonly #components: MirrorFetchComponents
  readonly #wake: Wake
  readonly #evictor: Evictor
  readonly #backoff = new Backoff()
  #decisions: ReadonlyMap<string, RetentionDecision> = new Map()
  #current: { readonly cid: CID; readonly ledger: string; readonly controller: AbortController } | undefined
  #trouble: string | undefined
  /** What failed because no source was to be had. */
  readonly #sourceless = new Set<string>()

  constructor(init: MirrorLoopInit, components: MirrorFetchComponents) {
    this.#init = init
    this.#components = components
    this.#wake = new Wake(components.clock)
    this.#evictor = new Evictor(components)
  }

  /** What was decided last, by snapshot. */
  get decisions(): ReadonlyMap<string, RetentionDecision> {
    return this.#decisions
  }

  /** Why what is wanted is not fetched, from the last failure until the next success. */
  get trouble(): string | undefined {
    return this.#trouble
  }

  /** There may be something to do: new metadata, a damaged block. A download of what was withdrawn ends now. */
  changed(): void {
    if (this.#current !== undefined && this.#init.catalogue().withdrawalOf(this.#current) !== undefined)
      this.#current.controller.abort(new Error('the snapshot was withdrawn'))
    this.#wake.notify()
  }

  /** A new source may have what nobody had: that need not wait for its next try. */
  sourceAppeared(): void {
    for (const key of this.#sourceless) this.#backoff.forget(key)
    if (this.#sourceless.size > 0) this.#wake.notify()
    this.#sourceless.clear()
  }

  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      let waitMs: number
      try {
        waitMs = await this.#round(signal)
      } catch (error) {
        if (signal.aborted) return
        this.#trouble = reasonOf(error)
        this.#components.reporter.report({ type: 'store-failed', what: 'eviction', reason: this.#trouble })
        waitMs = RETRY_MS_MIN
      }
      await this.#wake.wait(waitMs, signal)
    }
  }

  /** One step; returns how long there is nothing to do. */
  async #round(signal: AbortSignal): Promise<number> {
    const { mirrors, participant, store, clock } = this.#components
    const catalogue = this.#init.catalogue()
    for (const { manifest, channels } of catalogue.releases) mirrors.pointedTo(manifest, channels)
    const withdrawn = withdrawnOf(mirrors.all, catalogue)
    for (const { cid } of withdrawn.keys()) participant.release(cid)

    const held = mirrors.all.filter((mirror) => !withdrawn.has(mirror))
    const facts = factsOf(held, catalogue.releases)
    const pages = new PageOverlay(store)
    const wanted = wantedOf(facts, this.#init)
    this.#backoff.retain(new Set(wanted.map(({ cid }) => cid.toString())))
    const manifests = await this.#manifests(wanted, pages, signal)
    const plan = planByBlocks(facts, this.#init, new Map([...indexesOf(held), ...manifests]), pages)
    this.#decisions = new Map(plan.decisions.map((decision) => [decision.snapshot.cid.toString(), decision]))

    const fetchable = plan.mirror.flatMap((snapshot) => {
      const index = manifests.get(snapshot.cid.toString())
      return index === undefined ? [] : [{ snapshot, index }]
    })
    const needed = fetchable.map(({ index }) => index)
    for (const [mirror, reason] of withdrawn) await this.#evictor.evict(mirror, reason, needed)
    for (const { cid } of plan.evict) {
      const [mirror, decision] = [mirrors.get(cid), this.#decisions.get(cid.toString())]
      if (mirror !== undefined && decision?.action === 'evict') await this.#evictor.evict(mirror, decision.reason, needed)
    }
    // Not while a manifest is unknown: a list that was lost must not cost the blocks that it listed.
    if (manifests.size === wanted.length) await this.#evictor.removeOrphans(needed)

    await this.#components.deltas.retain((snapshot) => mirrors.all.some(({ cid }) => cid.toString() === snapshot))

    const next = fetchable.find(({ snapshot }) => this.#backoff.isDue(snapshot.cid.toString(), clock.monotonicMs()))
    if (next !== undefined) {
      await this.#mirror(next.snapshot, next.index, pages, signal)
      return 0
    }
    await mirrors.save()
    if (wanted.length === 0) this.#trouble = undefined
    return this.#backoff.nextMs(clock.monotonicMs()) ?? RETRY_MS_MAX
  }

  /** The manifests of `wanted`, out of the store or from peers; without those that are not to be had or break their promise. */
  async #manifests(wanted: readonly SnapshotFacts[], pages: PageOverlay, signal: AbortSignal): Promise<ReadonlyMap<string, SnapshotIndex>> {
    const { participant, clock } = this.#components
    const manifests = new Map<string, SnapshotIndex>()
    for (const snapshot of wanted) {
      const key = snapshot.cid.toString()
      const mirror = this.#components.mirrors.get(snapshot.cid)
      if (!this.#backoff.isDue(key, clock.monotonicMs())) {
        if (mirror?.index !== undefined) manifests.set(key, mirror.index)
        continue
      }
      await this.#attempt(snapshot, signal, async (ending) => {
        const index = await participant.manifest(snapshot.cid, pages, { patienceMs: MANIFEST_PATIENCE_MS, signal: ending })
        this.#assertMatches(index, snapshot)
        manifests.set(key, index)
      })
    }
    return manifests
  }

  async #mirror(snapshot: SnapshotFacts, index: SnapshotIndex, pages: BlockSource, signal: AbortSignal): Promise<void> {
    await this.#attempt(snapshot, signal, async (ending) => {
      await fetchMirror(index, pages, snapshot.channels, ending, this.#components)
      this.#backoff.forget(snapshot.cid.toString())
      this.#trouble = undefined
    })
  }

  /** Does `work` for `snapshot` until it is withdrawn or `signal` aborts; a failure is reported and puts it off. */
  async #attempt(snapshot: SnapshotFacts, signal: AbortSignal, work: (ending: AbortSignal) => Promise<void>): Promise<void> {
    const { clock, reporter } = this.#components
    const { cid, ledger, height } = snapshot
    const controller = new AbortController()
    this.#current = { cid, ledger, controller }
    try {
      await work(AbortSignal.any([signal, controller.signal]))
    } catch (error) {
      signal.throwIfAborted()
      if (controller.signal.aborted) return
      const retryInMs = this.#backoff.failed(cid.toString(), clock.monotonicMs())
      if (error instanceof SwarmError && error.fault.code === 'NO_SOURCE') this.#sourceless.add(cid.toString())
      this.#trouble = reasonOf(error)
      reporter.report({ type: 'mirror-failed', ledger, height, snapshot: cid.toString(), reason: this.#trouble, retryInMs })
    } finally {
      this.#current = undefined
    }
  }

  /** The signature covers the manifest's name; that the manifest is of the ledger and height it was signed for is checked here. */
  #assertMatches({ root, cid }: SnapshotIndex, { ledger, height }: SnapshotFacts): void {
    const checks = [
      { what: 'network', found: root.network, wanted: this.#init.network },
      { what: 'ledger', found: root.ledger, wanted: ledger },
      { what: 'height', found: String(root.height), wanted: String(height) },
    ]
    for (const check of checks)
      if (check.found !== check.wanted) throw new CacheError({ code: 'MANIFEST_MISMATCH', snapshot: cid.toString(), ...check })
  }
}

/** What is mirrored and should not be, with the reason. */
function withdrawnOf(mirrors: readonly Mirror[], catalogue: Catalogue): ReadonlyMap<Mirror, EvictionReason> {
  const withdrawn = new Map<Mirror, EvictionReason>()
  for (const mirror of mirrors) {
    const reason = catalogue.withdrawalOf(mirror)
    if (reason !== undefined) withdrawn.set(mirror, reason)
  }
  return withdrawn
}

function* indexesOf(mirrors: readonly Mirror[]): Generator<readonly [string, SnapshotIndex]> {
  for (const { cid, index } of mirrors) if (index !== undefined) yield [cid.toString(), index]
}
