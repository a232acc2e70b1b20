import type { CID, SnapshotIndex } from '@cairn/protocol'
import { DeltaSets, type DeltaSetWriter, StorageError } from '@cairn/storage'
import type { DeltaOffer, DeltaSource } from './delta-source.ts'

export interface ReceivedDeltasInit {
  /** Directory of the files. */
  readonly path: string
  /** The most that they may take. */
  readonly bytesMax: number
  readonly onDamaged: (path: string, reason: string) => void
}

/** The deltas of one download that are kept. */
export interface DeltaKeeping extends AsyncDisposable {
  /** Keeps a delta, if there is room for it. */
  keep(chunk: number, delta: Uint8Array): Promise<void>
  /** All that were kept are served from now on. */
  finish(): Promise<void>
}

/**
 * Deltas that a participant received, to hand them on to whoever comes from the same snapshot. They give way to whatever else needs the
 * room.
 */
export class ReceivedDeltas implements DeltaSource, AsyncDisposable {
  readonly #sets: DeltaSets
  readonly #bytesMax: number
  #writer: DeltaSetWriter | undefined
  #isCrowded = false

  private constructor(sets: DeltaSets, bytesMax: number) {
    this.#sets = sets
    this.#bytesMax = bytesMax
  }

  /** @throws {StorageError} `IO_FAILED` */
  static async open({ path, bytesMax, onDamaged }: ReceivedDeltasInit): Promise<ReceivedDeltas> {
    return new ReceivedDeltas(await DeltaSets.open({ path, bytesMax, onDamaged }), bytesMax)
  }

  /** Bytes on disk, what is being written included. */
  get totalBytes(): number {
    return this.#sets.totalBytes + (this.#writer?.fileBytes ?? 0)
  }

  delta(cid: CID, basis: readonly CID[]): Promise<Uint8Array | undefined> {
    return this.#sets.delta(cid, basis)
  }

  async offer(snapshot: CID, from: CID): Promise<DeltaOffer> {
    const sizes = await this.#sets.sizes(from, snapshot)
    return sizes === undefined ? { state: 'none' } : { state: 'ready', sizes }
  }

  /** Removes what leads to snapshots that are not held. */
  async retain(isHeld: (snapshot: string) => boolean): Promise<void> {
    await this.#sets.retain(isHeld)
  }

  /** Something else needs the room: at most `bytesMax` are left, and what is being written is given up if that is not enough. */
  async makeRoom(bytesMax: number): Promise<void> {
    await this.#sets.makeRoom(Math.max(0, bytesMax - (this.#writer?.fileBytes ?? 0)))
    if (this.totalBytes > bytesMax) await this.#giveUp()
  }

  /** Begins to keep what leads from `from` to `index`. One at a time. */
  async begin(index: SnapshotIndex, from: CID): Promise<DeltaKeeping> {
    await this.#giveUp()
    this.#isCrowded = false
    const writer = await this.#unlessRefused(() => this.#sets.create(from, index.cid))
    this.#writer = writer
    return {
      keep: async (chunk, delta) => {
        if (writer === undefined || this.#writer !== writer || this.#isCrowded) return
        this.#isCrowded = writer.fileBytes + delta.byteLength > this.#bytesMax
        if (!this.#isCrowded) await this.#unlessRefused(() => writer.add(chunk, index.chunkDigest(chunk), delta))
      },
      finish: async () => {
        if (writer === undefined || this.#writer !== writer || writer.count === 0) return
        await this.#unlessRefused(async () => {
          await writer.finish()
          this.#writer = undefined
          await this.#sets.added(from, index.cid)
        })
      },
      [Symbol.asyncDispose]: async () => {
        if (writer !== undefined && this.#writer === writer) await this.#giveUp()
      },
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#giveUp()
    await this.#sets[Symbol.asyncDispose]()
  }

  /** A disk that refuses it costs the deltas and not the download. */
  async #unlessRefused<T>(work: () => Promise<T>): Promise<T | undefined> {
    try {
      return await work()
    } catch (error) {
      if (!(error instanceof StorageError)) throw error
      await this.#giveUp()
      return undefined
    }
  }

  async #giveUp(): Promise<void> {
    const writer = this.#writer
    this.#writer = undefined
    await writer?.[Symbol.asyncDispose]()
  }
}
