import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs'
import { storageErrorOf } from '@cairn/storage/worker'
import { OriginError } from '../errors.ts'
import type { Extent } from './ingest-calls.ts'

/**
 * A file of the published directory while a part of it is read, synchronously.
 *
 * A file that is not what the walk found, or that changes while it is read, is refused: nobody can tell which of its versions is meant.
 */
export class SourceFile implements Disposable {
  readonly #extent: Extent
  readonly #file: number
  readonly #modifiedMs: number

  /** @throws {OriginError} `SOURCE_CHANGED` @throws {StorageError} `IO_FAILED` */
  constructor(extent: Extent) {
    this.#extent = extent
    // The last component must not have become a link since the walk saw a file.
    this.#file = attempt(extent.path, () => openSync(extent.path, constants.O_RDONLY | constants.O_NOFOLLOW))
    try {
      this.#modifiedMs = extent.modifiedMs ?? attempt(extent.path, () => fstatSync(this.#file)).mtimeMs
      this.checkUnchanged()
    } catch (error) {
      this[Symbol.dispose]()
      throw error
    }
  }

  /** Fills `target` with what is at `position`. @throws {OriginError} `SOURCE_CHANGED` @throws {StorageError} `IO_FAILED` */
  read(target: Uint8Array, position: number): void {
    const { path } = this.#extent
    for (let filled = 0; filled < target.byteLength;) {
      const at = filled
      const read = attempt(path, () => readSync(this.#file, target, at, target.byteLength - at, position + at))
      if (read === 0) throw new OriginError({ code: 'SOURCE_CHANGED', path })
      filled += read
    }
  }

  /** @throws {OriginError} `SOURCE_CHANGED` */
  checkUnchanged(): { readonly modifiedMs: number } {
    const { path, bytes } = this.#extent
    const { size, mtimeMs } = attempt(path, () => fstatSync(this.#file))
    if (size !== bytes || mtimeMs !== this.#modifiedMs) throw new OriginError({ code: 'SOURCE_CHANGED', path })
    return { modifiedMs: mtimeMs }
  }

  [Symbol.dispose](): void {
    closeSync(this.#file)
  }
}

/** Names the file in what the system says of it. A file that is gone, or a link now, has changed since the walk. */
function attempt<T>(path: string, work: () => T): T {
  try {
    return work()
  } catch (cause) {
    if (isGone(cause)) throw new OriginError({ code: 'SOURCE_CHANGED', path }, { cause })
    throw storageErrorOf(cause, path)
  }
}

function isGone(cause: unknown): boolean {
  return cause instanceof Error && 'code' in cause && ['ENOENT', 'ENOTDIR', 'ELOOP'].includes(String(cause.code))
}
