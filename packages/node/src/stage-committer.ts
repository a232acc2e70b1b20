import { type SnapshotIndex, STAGES, type StageClass } from '@cairn/protocol'
import type { PlaceStore } from '@cairn/storage'

/** Commits each stage, in order, as soon as its last chunk is in place. */
export class StageCommitter {
  readonly #index: SnapshotIndex
  readonly #store: PlaceStore
  readonly #onCommitted: (stage: StageClass) => void
  /** Chunks of each stage that are not in place. */
  #missing = new Map<StageClass, number>()
  #committing: Promise<void> = Promise.resolve()

  constructor(index: SnapshotIndex, store: PlaceStore, onCommitted: (stage: StageClass) => void) {
    this.#index = index
    this.#store = store
    this.#onCommitted = onCommitted
  }

  /** Counts what is missing, and commits what an earlier run left complete. */
  async begin(): Promise<void> {
    for (const stage of STAGES) {
      let missing = 0
      for (const chunk of this.#index.stageChunks(stage)) if (!this.#store.have.get(chunk)) missing += 1
      this.#missing.set(stage, missing)
    }
    await this.#commit()
  }

  /** Chunk `chunk` is in place. */
  async placed(chunk: number): Promise<void> {
    const stage = this.#index.chunkStage(chunk)
    const missing = (this.#missing.get(stage) ?? 0) - 1
    this.#missing.set(stage, missing)
    if (missing === 0) await this.#commit()
  }

  /** One commit at a time; each looks at all stages, so the one that comes last sees what was placed meanwhile. */
  #commit(): Promise<void> {
    this.#committing = this.#commitAfter(this.#committing)
    return this.#committing
  }

  async #commitAfter(before: Promise<void>): Promise<void> {
    await before
    for (const stage of STAGES) {
      if (this.#missing.get(stage) !== 0) return
      if (this.#store.stageCommitted(stage)) continue
      await this.#store.commitStage(stage)
      // An empty stage makes nothing usable that was not so before.
      const { from, to } = this.#index.stageRange(stage)
      if (from < to) this.#onCommitted(stage)
    }
  }
}
