import { mkdir, readdir, readlink, realpath, rename, rm, symlink } from 'node:fs/promises'
import { basename, join } from 'node:path'
import type { CID } from '@cairn/protocol'
import { readFileIfExists, syncDirectory, writeFileDurably } from '../durable-file.ts'
import { StorageError } from '../errors.ts'
import { isSystemError, storageErrorOf } from '../io-error.ts'
import { inspectTarget } from '../place/read-journal.ts'
import { lstatIfExists } from '../place/target-tree.ts'
import { removeTree } from '../remove-tree.ts'
import { STATE_DIRECTORY } from '../walk.ts'

const VERSIONS = 'versions'
const CURRENT = 'current'
/** What a version is called from when it is given up until its files are gone. */
const REMOVED = 'removed-'
/** The height; where a height was published again with other content, a number after it. */
const NAME = /^(\d{1,16})(?:\.\d{1,4})?$/
const HOLD = 'cairn-hold-1'

/** One version, complete or begun: a joined directory of its own. */
export interface VersionInfo {
  readonly name: string
  readonly path: string
  readonly height: number
  readonly snapshot: CID
  readonly complete: boolean
  readonly chunksCount: number
  readonly placedCount: number
}

/** Somebody went back to an older version: it stays until there is one newer than the one they went back from. */
export interface Hold {
  readonly height: number
  readonly from: number
}

/**
 * A directory that follows a ledger: `versions/HEIGHT`, each a joined directory of its own, `current`, a link to the one in use, and
 * `.cairn`. Nothing in a version changes once it is complete; another one is switched to by replacing the link, in one step.
 */
export class VersionDirectory {
  /** Links resolved. */
  readonly path: string

  private constructor(path: string) {
    this.path = path
  }

  /**
   * Opens `path`, or makes it.
   *
   * @throws {StorageError} `OTHER_LAYOUT` if one snapshot was joined into it; `FOREIGN_FILES`, `IO_FAILED`
   */
  static async open(path: string): Promise<VersionDirectory> {
    try {
      await mkdir(path, { recursive: true })
      const root = await realpath(path)
      if ((await lstatIfExists(join(root, STATE_DIRECTORY, 'journal'))) !== undefined)
        throw new StorageError({ code: 'OTHER_LAYOUT', path, found: 'snapshot' })
      const found = (await readdir(root)).filter((name) => ![STATE_DIRECTORY, VERSIONS, CURRENT].includes(name))
      const current = await lstatIfExists(join(root, CURRENT))
      if (current !== undefined && !current.isSymbolicLink()) found.push(CURRENT)
      const versions = await lstatIfExists(join(root, VERSIONS))
      if (versions !== undefined && !versions.isDirectory()) found.push(VERSIONS)
      if (found.length > 0) throw new StorageError({ code: 'FOREIGN_FILES', path, found: found.slice(0, 5) })
      await mkdir(join(root, STATE_DIRECTORY), { recursive: true })
      await mkdir(join(root, VERSIONS), { recursive: true })
      return new VersionDirectory(root)
    } catch (cause) {
      throw storageErrorOf(cause, path)
    }
  }

  /** As {@link open}, for a directory that is there and of this kind; `undefined` for any other. Changes nothing. */
  static async find(path: string): Promise<VersionDirectory | undefined> {
    try {
      const root = await realpath(path)
      return (await lstatIfExists(join(root, VERSIONS)))?.isDirectory() === true &&
        (await lstatIfExists(join(root, STATE_DIRECTORY)))?.isDirectory() === true &&
        (await lstatIfExists(join(root, STATE_DIRECTORY, 'journal'))) === undefined
        ? new VersionDirectory(root)
        : undefined
    } catch (cause) {
      if (isSystemError(cause, 'ENOENT', 'ENOTDIR')) return undefined
      throw storageErrorOf(cause, path)
    }
  }

  /** What is there, the newest first. @throws {StorageError} `CORRUPT`, `IO_FAILED` */
  async versions(): Promise<readonly VersionInfo[]> {
    const versions: VersionInfo[] = []
    for (const name of await namesIn(join(this.path, VERSIONS))) {
      const height = heightOf(name)
      const path = join(this.path, VERSIONS, name)
      const target = height === undefined ? undefined : await inspectTarget(path)
      if (height !== undefined && target !== undefined) versions.push({ name, path, height, ...target })
    }
    return versions.toSorted((a, b) => b.height - a.height || b.name.localeCompare(a.name))
  }

  /** Name of the version in use. */
  async current(): Promise<string | undefined> {
    try {
      return basename(await readlink(join(this.path, CURRENT)))
    } catch (cause) {
      if (isSystemError(cause, 'ENOENT')) return undefined
      throw storageErrorOf(cause, this.path)
    }
  }

  /** Where `snapshot` of `height` is, or is to be built. */
  async place(height: number, snapshot: CID): Promise<{ readonly name: string; readonly path: string }> {
    for (let number = 1; ; number++) {
      const name = number === 1 ? `${height}` : `${height}.${number}`
      const path = join(this.path, VERSIONS, name)
      const found = await inspectTarget(path)
      if (found === undefined || found.snapshot.equals(snapshot)) return { name, path }
    }
  }

  /** Puts another version into use: readers have the old one or the new one, also after a power cut. @throws {StorageError} `IO_FAILED` */
  async switchTo(name: string): Promise<void> {
    const link = join(this.path, STATE_DIRECTORY, 'current.next')
    try {
      await syncDirectory(join(this.path, VERSIONS))
      await rm(link, { force: true })
      await symlink(join(VERSIONS, name), link)
      await rename(link, join(this.path, CURRENT))
      await syncDirectory(this.path)
    } catch (cause) {
      throw storageErrorOf(cause, this.path)
    }
  }

  /** Removes a version that is not in use: out of sight at once, its files after that. @throws {StorageError} `IO_FAILED` */
  async remove(name: string): Promise<void> {
    const removed = join(this.path, STATE_DIRECTORY, `${REMOVED}${name}`)
    try {
      if (name === (await this.current())) return
      await removeTree(removed)
      await rename(join(this.path, VERSIONS, name), removed)
    } catch (cause) {
      if (isSystemError(cause, 'ENOENT')) return
      throw storageErrorOf(cause, this.path)
    }
    await removeTree(removed)
  }

  /** Ends removals that a run before this one was killed in. @throws {StorageError} `IO_FAILED` */
  async sweep(): Promise<void> {
    for (const name of await namesIn(join(this.path, STATE_DIRECTORY))) {
      if (name.startsWith(REMOVED)) await removeTree(join(this.path, STATE_DIRECTORY, name))
    }
  }

  /** @throws {StorageError} `CORRUPT`, `IO_FAILED` */
  async hold(): Promise<Hold | undefined> {
    const path = this.#holdPath()
    const bytes = await readFileIfExists(path)
    if (bytes === undefined) return undefined
    const [magic, height, from] = Buffer.from(bytes).toString('latin1').trim().split(' ')
    const hold = { height: Number(height), from: Number(from) }
    if (magic === HOLD && Number.isSafeInteger(hold.height) && Number.isSafeInteger(hold.from)) return hold
    throw new StorageError({ code: 'CORRUPT', path, reason: 'it does not say which version to stay at' })
  }

  /** @throws {StorageError} `NO_SPACE`, `IO_FAILED` */
  async setHold(hold: Hold | undefined): Promise<void> {
    const path = this.#holdPath()
    if (hold !== undefined) return writeFileDurably(path, Buffer.from(`${HOLD} ${hold.height} ${hold.from}\n`))
    await rm(path, { force: true })
  }

  #holdPath(): string {
    return join(this.path, STATE_DIRECTORY, 'hold')
  }
}

/** Of a directory; none if it is not there. */
async function namesIn(path: string): Promise<readonly string[]> {
  try {
    return await readdir(path)
  } catch (cause) {
    if (isSystemError(cause, 'ENOENT')) return []
    throw storageErrorOf(cause, path)
  }
}

function heightOf(name: string): number | undefined {
  const match = NAME.exec(name)
  return match === null ? undefined : Number(match[1])
}
