import { Bitmap, type CID, isPageCid, type SnapshotIndex } from '@cairn/protocol'
import type { Clock, Instant, Reporter } from '@cairn/runtime'
import type { BlockStore } from '@cairn/storage'
import { BlockStoreSink } from '@cairn/swarm'
import { blocksOf } from './blocks.ts'
import type { CacheEvent } from './events.ts'
import { reasonOf } from './reason.ts'
import { type MirrorRecord, readMirrors, writeMirrors } from './mirrors-file.ts'
import { loadStoredManifest } from './stored-manifest.ts'

/** A snapshot that the store holds, wholly or in part. */
export interface Mirror {
  readonly cid: CID
  readonly ledger: string
  readonly height: number
  readonly channels: readonly string[]
  readonly lastUsedAt: Instant
  readonly bytes: number
  /** Every block is here and on disk. */
  readonly complete: boolean
  /** Unknown while one of its manifest pages is missing. About 80 bytes a chunk. */
  readonly index: SnapshotIndex | undefined
  /** Chunks that are here; live. */
  readonly have: Bitmap
}

type Held = { -readonly [Key in keyof Mirror]: Mirror[Key] }

export interface MirrorsComponents {
  /** Of `mirrors.json`. */
  readonly path: string
  readonly store: BlockStore
  readonly clock: Clock
  readonly reporter: Reporter<CacheEvent>
}

/** What is mirrored, and how far: the bookkeeping of a cache, kept in `mirrors.json`. */
export class Mirrors {
  readonly #components: MirrorsComponents
  readonly #held = new Map<string, Held>()
  #isDirty = false
  #saving: Promise<void> = Promise.resolve()

  private constructor(components: MirrorsComponents) {
    this.#components = components
  }

  /**
   * Takes up what an earlier run left, by what the store has of it now: nothing is read but manifest pages, and nothing is hashed.
   *
   * @throws {StorageError} `CORRUPT`, `UNSUPPORTED_VERSION`, `IO_FAILED`
   */
  static async open(components: MirrorsComponents): Promise<Mirrors> {
    const mirrors = new Mirrors(components)
    for (const record of await readMirrors(components.path)) await mirrors.#takeUp(record)
    return mirrors
  }

  get all(): readonly Mirror[] {
    return [...this.#held.values()]
  }

  get(cid: CID): Mirror | undefined {
    return this.#held.get(cid.toString())
  }

  /** Adds the snapshot of `index`, or gives it its index; `have` is what its download will keep current. */
  add(index: SnapshotIndex, have: Bitmap, channels: readonly string[]): Mirror {
    const known = this.get(index.cid)
    const { ledger, height } = index.root
    const mirror: Held = {
      cid: index.cid,
      ledger,
      height,
      channels: union(known?.channels, channels),
      lastUsedAt: known?.lastUsedAt ?? this.#components.clock.now(),
      bytes: this.#bytesOf(index),
      complete: false,
      index,
      have,
    }
    this.#held.set(index.cid.toString(), mirror)
    this.#isDirty = true
    return mirror
  }

  /** All of `cid` is here and on disk. */
  completed(cid: CID): void {
    const mirror = this.#held.get(cid.toString())
    if (mirror?.index === undefined) return
    mirror.complete = true
    mirror.bytes = this.#bytesOf(mirror.index)
    this.#isDirty = true
  }

  remove(cid: CID): void {
    this.#isDirty = this.#held.delete(cid.toString()) || this.#isDirty
  }

  /** Remembers that these channels point, or once pointed, to `cid`. */
  pointedTo(cid: CID, channels: readonly string[]): void {
    const mirror = this.#held.get(cid.toString())
    if (mirror === undefined || channels.every((channel) => mirror.channels.includes(channel))) return
    mirror.channels = union(mirror.channels, channels)
    this.#isDirty = true
  }

  /** Somebody asked for block `cid`. Whoever fetches a snapshot begins with its root, so only roots count. */
  used(cid: CID): void {
    const mirror = isPageCid(cid) ? this.#held.get(cid.toString()) : undefined
    if (mirror === undefined) return
    mirror.lastUsedAt = this.#components.clock.now()
    this.#isDirty = true
  }

  /** The store could not give block `cid`. Returns whether a mirror is incomplete for it that was complete before. */
  lost(cid: CID): boolean {
    let isNews = false
    for (const mirror of this.#held.values()) {
      const { index, have, complete } = mirror
      const chunk = index?.chunkOf(cid)
      if (chunk === undefined && index?.pages.some((page) => page.equals(cid)) !== true) continue
      if (chunk !== undefined) have.clear(chunk)
      if (!complete) continue
      mirror.complete = false
      isNews = true
      this.#reportDamage(mirror, 1)
    }
    this.#isDirty ||= isNews
    return isNews
  }

  /** Writes what has changed; a failure is reported, and the next call tries again. */
  save(): Promise<void> {
    this.#saving = this.#saving.then(() => this.#write())
    return this.#saving
  }

  async #write(): Promise<void> {
    if (!this.#isDirty) return
    this.#isDirty = false
    try {
      await writeMirrors(this.#components.path, this.all.map(recordOf))
    } catch (error) {
      this.#isDirty = true
      this.#components.reporter.report({ type: 'store-failed', what: 'mirrors', reason: reasonOf(error) })
    }
  }

  async #takeUp(record: MirrorRecord): Promise<void> {
    const { store } = this.#components
    const index = await loadStoredManifest(record.cid, store)
    const have = index === undefined ? new Bitmap(0) : new BlockStoreSink(index, store).have
    const mirror: Held = { ...record, index, have, complete: index !== undefined && have.isFull() }
    this.#held.set(record.cid.toString(), mirror)
    if (record.complete && !mirror.complete) this.#reportDamage(mirror, index === undefined ? 1 : have.size - have.count)
    this.#isDirty ||= mirror.complete !== record.complete
  }

  #bytesOf(index: SnapshotIndex): number {
    let bytes = 0
    for (const cid of blocksOf(index)) bytes += this.#components.store.frameBytes(cid) ?? 0
    return bytes
  }

  #reportDamage({ ledger, height, cid }: Mirror, blocksCount: number): void {
    this.#components.reporter.report({ type: 'mirror-damaged', ledger, height, snapshot: cid.toString(), blocksCount })
  }
}

function recordOf({ cid, ledger, height, bytes, complete, lastUsedAt, channels }: Mirror): MirrorRecord {
  return { cid, ledger, height, bytes, complete, lastUsedAt, channels }
}

function union(known: readonly string[] | undefined, added: readonly string[]): readonly string[] {
  return [...new Set([...(known ?? []), ...added])].sort()
}
