import { chase } from '@cairn/policy'
import type { Clock, Log } from '@cairn/runtime'
import type { AdoptMethod, ReuseDirectory, VersionDirectory, VersionInfo } from '@cairn/storage'
import { type ReceivedDeltas, Wake } from '@cairn/swarm'
import { checkFreshness, type Release, releases, resolveRelease, TrustError } from '@cairn/trust'
import { assertMatches } from './assert-matches.ts'
import type { FollowInit } from './follow-init.ts'
import { FOLLOW_IDLE_MS, FOLLOW_RETRY_MS_MAX, FOLLOW_RETRY_MS_MIN } from './limits.ts'
import type { NodeParts } from './node-parts.ts'
import { seedDirectories } from './seed-directories.ts'
import { SnapshotJoin } from './snapshot-join.ts'
import { VersionShelf } from './version-shelf.ts'

export interface VersionFollowerComponents {
  readonly parts: NodeParts
  readonly directory: VersionDirectory
  /** Deltas that came for a version are kept here for others. */
  readonly deltas: ReceivedDeltas
  readonly clock: Clock
  readonly log: Log
}

/** The version on its way. */
interface Joining {
  readonly release: Release
  readonly controller: AbortController
  readonly join: SnapshotJoin
}

/** Why a version is given up before it is whole. */
class Overtaken extends Error {
  override readonly name = 'Overtaken'
}

/**
 * Brings version after version into a {@link VersionDirectory}: builds each beside the others, from what those have, and puts it into use
 * when it is whole. What fails is tried again; the version in use stays meanwhile.
 */
export class VersionFollower {
  readonly #init: FollowInit
  readonly #components: VersionFollowerComponents
  readonly #shelf: VersionShelf
  readonly #wake: Wake
  #joining: Joining | undefined
  #release: Release | undefined
  #pausedFor: string | null = null
  #overtakenCount = 0
  #failuresCount = 0

  constructor(init: FollowInit, components: VersionFollowerComponents) {
    const { parts, directory, clock } = components
    this.#init = init
    this.#components = components
    this.#shelf = new VersionShelf(init.selector.ledger, { directory, ...parts })
    this.#wake = new Wake(clock)
  }

  /** The release on its way, or the one in use. */
  get release(): Release | undefined {
    return this.#joining?.release ?? this.#release
  }

  /** There is newer metadata: a version on its way may be overtaken, or nobody vouch for it any more. */
  changed(): void {
    this.#wake.notify()
    const joining = this.#joining
    if (joining === undefined) return
    const wanted = this.#newest()
    if (wanted instanceof TrustError || wanted.manifest.equals(joining.release.manifest)) return
    const { have } = joining.join.store
    const isWithdrawn = !this.#isVouchedFor(joining.release)
    if (chase({ held: have.count, total: have.size, overtakenCount: this.#overtakenCount, isWithdrawn }) === 'move')
      joining.controller.abort(new Overtaken(`height ${wanted.height} is out`))
  }

  /** Until `signal` aborts. @throws {StorageError} when the directory cannot be read */
  async run(signal: AbortSignal): Promise<void> {
    const { directory, parts, clock } = this.#components
    await directory.sweep()
    await this.#shelf.serveAll()
    if ((await directory.current()) !== undefined)
      parts.reporter.report({ type: 'usable', sinceStartMs: clock.monotonicMs() - parts.startedMs })
    while (!signal.aborted) {
      const waitMs = await this.#round(signal).catch((error: unknown) => this.#failed(error, signal))
      if (waitMs > 0) await this.#wake.wait(waitMs, signal)
    }
  }

  /** Closes what a version on its way writes to. */
  async close(): Promise<void> {
    await this.#joining?.join.store.close()
  }

  /** One step; how long there is nothing to do. */
  async #round(signal: AbortSignal): Promise<number> {
    const { directory } = this.#components
    const next = await this.#next()
    this.#paused('reason' in next ? next.reason : null)
    if ('reason' in next) return FOLLOW_IDLE_MS
    const { release } = next
    const versions = await directory.versions()
    const current = await directory.current()
    const found = versions.find(({ complete, snapshot }) => complete && snapshot.equals(release.manifest))
    if (found !== undefined && found.name === current) {
      this.#release = release
      return FOLLOW_IDLE_MS
    }
    if (found === undefined) await this.#join(release, signal)
    else await this.#commit(found.name, release)
    this.#failuresCount = 0
    return 0
  }

  #failed(error: unknown, signal: AbortSignal): number {
    if (signal.aborted) return 0
    const retryInMs = Math.min(FOLLOW_RETRY_MS_MAX, FOLLOW_RETRY_MS_MIN * 2 ** this.#failuresCount)
    this.#failuresCount += 1
    const reason = error instanceof Error ? error.message : String(error)
    this.#components.parts.reporter.report({ type: 'follow-failed', reason, retryInMs })
    return retryInMs
  }

  #paused(reason: string | null): void {
    if (reason === this.#pausedFor) return
    this.#pausedFor = reason
    this.#components.parts.reporter.report({ type: 'follow-paused', reason })
  }

  /** What to bring here next: the newest, unless an older one was begun and is better finished; or why nothing. */
  async #next(): Promise<{ readonly release: Release } | { readonly reason: string }> {
    const { directory, parts } = this.#components
    const newest = this.#newest()
    if (newest instanceof TrustError) return { reason: newest.message }
    const hold = await directory.hold()
    if (hold !== undefined && newest.height <= hold.from)
      return { reason: `somebody went back to height ${hold.height}, until there is one above ${hold.from}` }
    const begun = (await directory.versions()).find(({ complete }) => !complete)
    const vouched = releases(parts.keeper.state, this.#init.selector.ledger).find(({ manifest }) => begun?.snapshot.equals(manifest))
    if (begun === undefined || vouched === undefined || vouched.manifest.equals(newest.manifest)) return { release: newest }
    const facts = { held: begun.placedCount, total: begun.chunksCount, overtakenCount: this.#overtakenCount, isWithdrawn: false }
    const isFinished = chase(facts) === 'finish' && (hold === undefined || vouched.height > hold.from)
    return { release: isFinished ? vouched : newest }
  }

  /** What the metadata names, as long as it is fresh; otherwise what is wrong with it. */
  #newest(): Release | TrustError {
    const { parts, clock } = this.#components
    const { state } = parts.keeper
    try {
      checkFreshness(state, clock.now())
      return resolveRelease(state, this.#init.selector)
    } catch (error) {
      if (error instanceof TrustError) return error
      throw error
    }
  }

  #isVouchedFor({ ledger, manifest }: Release): boolean {
    return releases(this.#components.parts.keeper.state, ledger).some((release) => release.manifest.equals(manifest))
  }

  async #join(release: Release, signal: AbortSignal): Promise<void> {
    const { parts, directory, deltas, clock, log } = this.#components
    const { network, keep, patienceMs, onTrace } = this.#init
    const { ledger, height, manifest, totalBytes } = release
    parts.reporter.report({ type: 'release-chosen', ledger, height, snapshot: manifest.toString(), bytes: totalBytes })
    parts.reporter.report({ type: 'waiting', reason: 'manifest' })
    const startedMs = clock.monotonicMs()
    const index = await parts.participant.manifest(manifest, parts.pages, { ...(patienceMs === undefined ? {} : { patienceMs }), signal })
    assertMatches(index, release, network)
    const { name, path } = await directory.place(height, manifest)
    // Room for this one first: otherwise the disk would have to hold one more than it is to keep.
    await this.#shelf.prune(keep - 1, name)
    const controller = new AbortController()
    const join = await SnapshotJoin.open(
      {
        release,
        index,
        into: path,
        directories: await this.#directories(name),
        isUpdate: true,
        onReused: () => this.#shelf.removeBegun(name),
        commit: async (store) => {
          await store.close()
          this.#shelf.serve(path, index)
          await this.#commit(name, release)
        },
        wasComplete: false,
        patienceMs,
        onTrace,
        startedMs,
      },
      { participant: parts.participant, clock, log, reporter: parts.reporter, placer: parts.placer, deltas },
    )
    this.#joining = { release, controller, join }
    parts.source.serve(manifest, join.store)
    try {
      await join.run(undefined, AbortSignal.any([signal, controller.signal]))
      this.#overtakenCount = 0
    } catch (error) {
      parts.participant.release(manifest)
      parts.source.withdraw(manifest)
      if (!(error instanceof Overtaken)) throw error
      this.#overtakenCount += 1
      parts.reporter.report({ type: 'version-overtaken', height, snapshot: manifest.toString(), reason: error.message })
    } finally {
      this.#joining = undefined
      await join.store.close()
    }
  }

  async #directories(name: string): Promise<readonly ReuseDirectory[]> {
    const methods: readonly AdoptMethod[] = this.#init.isCopying === true ? ['clone'] : ['link', 'clone']
    return [...(await this.#shelf.directories(name, methods)), ...(await seedDirectories(this.#init.seeds ?? [], this.#components.clock))]
  }

  /** Puts a complete version into use, unless somebody went back to an older one meanwhile. */
  async #commit(name: string, release: Release): Promise<void> {
    const { directory, parts } = this.#components
    const hold = await directory.hold()
    if (hold === undefined || release.height > hold.from) {
      const from = (await directory.versions()).find(isNamed(await directory.current()))
      await directory.switchTo(name)
      await directory.setHold(undefined)
      this.#release = release
      const { ledger, height, manifest } = release
      parts.reporter.report({ type: 'version-switched', ledger, height, from: from?.height ?? null, snapshot: manifest.toString() })
    }
    await this.#shelf.prune(this.#init.keep, name)
    await this.#shelf.forgetPages()
    const left = new Set((await directory.versions()).map(({ snapshot }) => snapshot.toString()))
    await this.#components.deltas.retain((snapshot) => left.has(snapshot))
  }
}

function isNamed(name: string | undefined): (version: VersionInfo) => boolean {
  return (version) => version.name === name
}
