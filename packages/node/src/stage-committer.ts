import { type SnapshotIndex, STAGES, type StageClass } from '@cairn/protocol'
import type { PlaceStore } from '@cairn/storage'

/** Hears of each stage once: when it is committed, or, if an earlier run had done that, when this one begins. */
export type OnStage = (stage: StageClass, isResumed: boolean) => void

/** Commits each stage, in order, as soon as its last chunk is in place. */
export class StageCommitter {
  readonly #index: SnapshotIndex
  readonly #store: PlaceStore
  readonly #onStage: OnStage
  readonly #told = new Set<StageClass>()
  /** Every chunk below is in place. */
  #placedTo = 0
  /** Stages whose commit has begun: the first so many of {@link STAGES}. */
  #begunCount = 0
  #committing: Promise<void> = Promise.resolve()

  constructor(index: SnapshotIndex, store: PlaceStore, onStage: OnStage) {
    this.#index = index
    this.#store = store
    this.#onStage = onStage
  }

  /** Commits what is complete already, and tells of what an earlier run committed. */
  async begin(): Promise<void> {
    this.rolledBack()
    await this.placed()
  }

  /** A chunk is in place. Resolves at once, or, if that completes a stage, when it is committed. */
  async placed(): Promise<void> {
    const { have } = this.#store
    this.#placedTo = have.nextClear(this.#placedTo) ?? have.size
    const begun = this.#begunCount
    while (this.#begunCount < STAGES.length && this.#index.stageRange(STAGES[this.#begunCount]!).to <= this.#placedTo) this.#begunCount++
    if (this.#begunCount === begun) return
    // One commit at a time; each looks at all stages, so the one that comes last sees what was placed meanwhile.
    this.#committing = this.#commitAfter(this.#committing.catch(() => undefined))
    await this.#committing
  }

  /** Resolves when every commit that has begun has ended. */
  committed(): Promise<void> {
    return this.#committing
  }

  /** Chunks were found damaged: the stages that need them are to be committed again. */
  rolledBack(): void {
    this.#placedTo = 0
    this.#begunCount = 0
    for (const stage of this.#told) if (!this.#store.stageCommitted(stage)) this.#told.delete(stage)
  }

  async #commitAfter(before: Promise<void>): Promise<void> {
    await before
    for (const stage of STAGES) {
      const isResumed = this.#store.stageCommitted(stage)
      if (!isResumed) {
        if (!this.#store.stagePlaced(stage)) return
        await this.#store.commitStage(stage)
      }
      // An empty stage makes nothing usable that was not so before.
      if (this.#told.has(stage) || !hasEntries(this.#index, stage)) continue
      this.#told.add(stage)
      this.#onStage(stage, isResumed)
    }
  }
}

export function hasEntries({ root }: SnapshotIndex, stage: StageClass): boolean {
  return root.sections.some((section) => section.stage === stage && section.entries > 0)
}
