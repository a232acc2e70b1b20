import { lstat, readdir, readlink } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { assertSameTree } from '../../test/e2e/trees.ts'
import type { PublishedVersion } from './follow-versions.ts'

const POLL_MS = 20
const PATIENCE_MS = 300_000
/** Bytes of a block as `stat` counts them, whatever the file system's are. */
const STAT_BLOCK_BYTES = 512

/** Looks after a directory that is followed into: which versions are ever in use, whether they are whole, what they take. */
export class FollowedDirectory implements AsyncDisposable {
  /** Heights that were in use, as they came. */
  readonly committed: number[] = []
  /** What was wrong with them. */
  readonly faults: string[] = []
  /** Most that the directory ever took on the disk. */
  diskBytesMax = 0
  readonly #path: string
  readonly #published: readonly PublishedVersion[]
  readonly #watching: Promise<void>
  #isStopped = false

  constructor(path: string, published: readonly PublishedVersion[]) {
    this.#path = path
    this.#published = published
    this.#watching = this.#watch()
  }

  /** Resolves when `height` or a newer one is in use and was compared. */
  async reached(height: number): Promise<void> {
    await this.until(`height ${height}`, () => (this.committed.at(-1) ?? 0) >= height)
  }

  /** @throws {Error} if it takes five minutes */
  async until(what: string, isSo: () => boolean): Promise<void> {
    const deadline = performance.now() + PATIENCE_MS
    while (!isSo()) {
      if (performance.now() > deadline) throw new Error(`${this.#path}: still waiting for ${what}`)
      await delay(POLL_MS)
    }
  }

  /** What `current` names; 0 if it is not there. */
  async current(): Promise<number> {
    try {
      return Number(basename(await readlink(join(this.#path, 'current'))))
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return 0
      throw error
    }
  }

  /** Compares what `current` names with what was published. Nothing may change meanwhile. */
  async checkCurrent(): Promise<void> {
    const height = await this.current()
    if (height > 0) await this.#check(height)
  }

  /** Heights below `versions`, whole or on their way. */
  async versions(): Promise<number[]> {
    const names = await readdir(join(this.#path, 'versions'))
    return names.map(Number).sort((a, b) => a - b)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isStopped = true
    await this.#watching
  }

  async #watch(): Promise<void> {
    while (!this.#isStopped) {
      this.diskBytesMax = Math.max(this.diskBytesMax, await diskBytes(this.#path, new Set()))
      const height = await this.current()
      if (height !== 0 && height !== this.committed.at(-1)) {
        await this.#check(height)
        this.committed.push(height)
      }
      await delay(POLL_MS)
    }
  }

  async #check(height: number): Promise<void> {
    const published = this.#published.find((version) => version.height === height)
    try {
      if (published === undefined) throw new Error('nobody published it')
      await assertSameTree(join(this.#path, 'versions', `${height}`), published.path)
    } catch (error) {
      this.faults.push(`height ${height}: ${String(error)}`)
    }
  }
}

/** As `du` counts: what several names lead to counts once. Files may go while it looks. */
async function diskBytes(directory: string, counted: Set<number>): Promise<number> {
  const names = await readdir(directory).catch(() => [])
  let bytes = 0
  for (const name of names) {
    const path = join(directory, name)
    const stats = await lstat(path).catch(() => undefined)
    if (stats === undefined || counted.has(stats.ino)) continue
    counted.add(stats.ino)
    bytes += stats.blocks * STAT_BLOCK_BYTES
    if (stats.isDirectory()) bytes += await diskBytes(path, counted)
  }
  return bytes
}
