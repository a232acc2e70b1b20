import type { FileHandle } from 'node:fs/promises'

interface Slot {
  readonly handle: Promise<FileHandle>
  usersCount: number
  /** Whoever uses it last closes it. */
  isForgotten: boolean
}

/**
 * Keeps the last `handlesMax` files open. A file in use is never closed, so the bound holds as long as fewer are used at once.
 */
export class HandleCache {
  readonly #handlesMax: number
  readonly #open: (key: number) => Promise<FileHandle>
  /** In order of last use. */
  readonly #slots = new Map<number, Slot>()

  constructor(handlesMax: number, open: (key: number) => Promise<FileHandle>) {
    this.#handlesMax = handlesMax
    this.#open = open
  }

  /** Runs `work` with the file of `key` open. */
  async use<T>(key: number, work: (handle: FileHandle) => Promise<T>): Promise<T> {
    const slot = this.#slots.get(key) ?? { handle: this.#open(key), usersCount: 0, isForgotten: false }
    this.#slots.delete(key)
    this.#slots.set(key, slot)
    slot.usersCount++
    try {
      return await work(await this.#opened(key, slot))
    } finally {
      slot.usersCount--
      if (slot.isForgotten && slot.usersCount === 0) await (await slot.handle).close()
      await this.#evict()
    }
  }

  /** Closes the file of `key` once nobody uses it; the next use opens it anew. */
  async forget(key: number): Promise<void> {
    const slot = this.#slots.get(key)
    if (slot === undefined) return
    this.#slots.delete(key)
    if (slot.usersCount === 0) await (await slot.handle).close()
    else slot.isForgotten = true
  }

  /** Closes every file; one in use as soon as it no longer is. */
  async close(): Promise<void> {
    await Promise.all([...this.#slots.keys()].map((key) => this.forget(key)))
  }

  async #opened(key: number, slot: Slot): Promise<FileHandle> {
    try {
      return await slot.handle
    } catch (cause) {
      // Forgotten, so that the next use tries again.
      if (this.#slots.get(key) === slot) this.#slots.delete(key)
      throw cause
    }
  }

  async #evict(): Promise<void> {
    for (const [key, slot] of this.#slots) {
      if (this.#slots.size <= this.#handlesMax) return
      if (slot.usersCount > 0) continue
      this.#slots.delete(key)
      await (await slot.handle).close()
    }
  }
}
