import { mkdir, readdir, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { type CID, cidDigest, isPageCid, parseCid, ProtocolError } from '@cairn/protocol'
import { StorageError } from '../errors.ts'
import { isSystemError, storageErrorOf } from '../io-error.ts'
import { DeltaSet } from './delta-set.ts'
import { DeltaSetWriter } from './delta-set-writer.ts'

const SUFFIX = '.deltas'
const TEMPORARY_SUFFIX = '.tmp'
/** Files open at a time, with their rows in memory: of those who follow, most come from the same few versions. */
const OPEN_MAX = 16

export interface DeltaSetsInit {
  /** Directory of the files; created if absent. */
  readonly path: string
  /** The most that finished files may take; the ones used the longest ago make room. */
  readonly bytesMax: number
  /** Hears of a file that cannot be used. It is removed, since it can be made again. */
  readonly onDamaged?: (path: string, reason: string) => void
}

interface Listed {
  readonly from: string
  readonly to: string
  readonly path: string
  readonly bytes: number
  set?: DeltaSet | undefined
}

/**
 * Files of deltas in one directory, each `TO.FROM.deltas` by the CIDs of two snapshots. Several processes may add to it; what another one has
 * added is seen after {@link rescan}.
 */
export class DeltaSets implements AsyncDisposable {
  readonly #init: DeltaSetsInit
  /** By name, the one used the longest ago first. */
  readonly #listed = new Map<string, Listed>()
  /** Files that are being written here. */
  readonly #writing = new Set<DeltaSetWriter>()

  private constructor(init: DeltaSetsInit) {
    this.#init = init
  }

  /** @throws {StorageError} `IO_FAILED` */
  static async open(init: DeltaSetsInit): Promise<DeltaSets> {
    const sets = new DeltaSets(init)
    await sets.#scan(false)
    return sets
  }

  get totalBytes(): number {
    return this.#listed.values().reduce((sum, { bytes }) => sum + bytes, 0)
  }

  has(from: CID, to: CID): boolean {
    return this.#listed.has(nameOf(from, to))
  }

  /** Frame bytes by chunk index of `to`; `undefined` if there is no such file. */
  async sizes(from: CID, to: CID): Promise<ReadonlyMap<number, number> | undefined> {
    return (await this.#use(nameOf(from, to)))?.sizes
  }

  /** The same of a file that is being written here: what {@link delta} gives of it already. */
  sizesSoFar(from: CID, to: CID): ReadonlyMap<number, number> | undefined {
    const path = join(this.#init.path, nameOf(from, to))
    return [...this.#writing].find((writer) => writer.isOpen && writer.path === path)?.sizes
  }

  /**
   * A delta of `chunk` to chunks of one of `basis`, from a finished file or one that is being written here.
   *
   * @throws {StorageError} `CORRUPT`: the file is removed · `IO_FAILED`
   */
  async delta(chunk: CID, basis: readonly CID[]): Promise<Uint8Array | undefined> {
    const from = new Set(basis.map(String))
    // The use of one moves it to the end of the list.
    const names = [...this.#listed].flatMap(([name, listed]) => (from.has(listed.from) ? [name] : []))
    for (const name of names) {
      const set = await this.#use(name)
      try {
        const frame = await set?.read(cidDigest(chunk))
        if (frame !== undefined) return frame
      } catch (error) {
        if (error instanceof StorageError && error.fault.code === 'CORRUPT') await this.#discard(name, error)
        throw error
      }
    }
    for (const writer of this.#writing) {
      const frame = from.has(writer.from.toString()) ? await writer.read(cidDigest(chunk)) : undefined
      if (frame !== undefined) return frame
    }
    return undefined
  }

  /** Begins a file. What is added is served at once, and counted from its end on: {@link added} says so. @throws {StorageError} `NO_SPACE`, `IO_FAILED` */
  async create(from: CID, to: CID): Promise<DeltaSetWriter> {
    const path = join(this.#init.path, nameOf(from, to))
    const writer = await DeltaSetWriter.create(path, `${path}.${process.pid}${TEMPORARY_SUFFIX}`, { from, to })
    for (const other of this.#writing) if (!other.isOpen) this.#writing.delete(other)
    this.#writing.add(writer)
    return writer
  }

  /** A file that was begun here is finished: others make room for it. */
  async added(from: CID, to: CID): Promise<void> {
    await this.#list(nameOf(from, to))
    await this.makeRoom(this.#init.bytesMax)
  }

  /** Removes the files used the longest ago until what is left takes at most `bytesMax`. */
  async makeRoom(bytesMax: number): Promise<void> {
    for (const name of this.#listed.keys()) {
      if (this.totalBytes <= bytesMax) return
      await this.#remove(name)
    }
  }

  /** Removes every file that leads to a snapshot that `isWanted` does not want. */
  async retain(isWanted: (to: string) => boolean): Promise<void> {
    for (const [name, { to }] of this.#listed) if (!isWanted(to)) await this.#remove(name)
  }

  /** Lists the directory anew and removes what killed processes left. @throws {StorageError} `IO_FAILED` */
  rescan(): Promise<void> {
    return this.#scan(true)
  }

  /** `isWriting`: what has this process's number is its own, and not that of one killed before it. */
  async #scan(isWriting: boolean): Promise<void> {
    const { path } = this.#init
    try {
      await mkdir(path, { recursive: true })
      const found = new Set(await readdir(path))
      for (const name of this.#listed.keys()) if (!found.has(name)) await this.#forget(name)
      for (const name of found) {
        if (name.endsWith(TEMPORARY_SUFFIX)) await removeStale(join(path, name), isWriting)
        else if (!this.#listed.has(name)) await this.#list(name)
      }
    } catch (cause) {
      throw storageErrorOf(cause, path)
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const name of this.#listed.keys()) await this.#forget(name)
  }

  async #list(name: string): Promise<void> {
    const snapshots = snapshotsOf(name)
    if (snapshots === undefined) return
    const path = join(this.#init.path, name)
    await this.#forget(name)
    const found = await stat(path).catch(() => undefined)
    if (found !== undefined) this.#listed.set(name, { ...snapshots, path, bytes: found.size })
  }

  /** The open file, which is the one used last from now on. */
  async #use(name: string): Promise<DeltaSet | undefined> {
    const listed = this.#listed.get(name)
    if (listed === undefined) return undefined
    this.#listed.delete(name)
    this.#listed.set(name, listed)
    if (listed.set !== undefined) return listed.set
    try {
      const set = await DeltaSet.open(listed.path)
      // Another call was as quick: one handle is enough.
      if (listed.set !== undefined || this.#listed.get(name) !== listed) await set.close()
      else listed.set = set
      await this.#closeOldest()
      return listed.set
    } catch (error) {
      if (!(error instanceof StorageError)) throw error
      await this.#discard(name, error)
      return undefined
    }
  }

  async #closeOldest(): Promise<void> {
    const open = [...this.#listed.values()].filter(({ set }) => set !== undefined)
    for (const listed of open.slice(0, -OPEN_MAX)) {
      const { set } = listed
      listed.set = undefined
      // Waits for reads that have begun; one that has not fails, and its chunk goes out whole.
      await set?.close()
    }
  }

  /** It cannot be used, and can be made again. */
  async #discard(name: string, { message }: StorageError): Promise<void> {
    const listed = this.#listed.get(name)
    if (listed === undefined) return
    await this.#remove(name)
    this.#init.onDamaged?.(listed.path, message)
  }

  async #remove(name: string): Promise<void> {
    const path = this.#listed.get(name)?.path
    await this.#forget(name)
    if (path === undefined) return
    try {
      await rm(path, { force: true })
    } catch (cause) {
      throw storageErrorOf(cause, path)
    }
  }

  async #forget(name: string): Promise<void> {
    const listed = this.#listed.get(name)
    this.#listed.delete(name)
    await listed?.set?.close()
  }
}

function nameOf(from: CID, to: CID): string {
  return `${to.toString()}.${from.toString()}${SUFFIX}`
}

function snapshotsOf(name: string): { readonly from: string; readonly to: string } | undefined {
  if (!name.endsWith(SUFFIX)) return undefined
  const [to, from, ...rest] = name.slice(0, -SUFFIX.length).split('.')
  if (to === undefined || from === undefined || rest.length > 0 || !isSnapshot(to) || !isSnapshot(from)) return undefined
  return { from, to }
}

function isSnapshot(text: string): boolean {
  try {
    return isPageCid(parseCid(text))
  } catch (error) {
    if (error instanceof ProtocolError) return false
    throw error
  }
}

/** The process that writes it is in its name. */
async function removeStale(path: string, isWriting: boolean): Promise<void> {
  const writer = Number(path.slice(0, -TEMPORARY_SUFFIX.length).split('.').at(-1))
  // In a container, whoever was killed had the number that we have now.
  if (writer === process.pid ? isWriting : Number.isInteger(writer) && writer > 0 && isAlive(writer)) return
  await rm(path, { force: true })
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return isSystemError(error, 'EPERM')
  }
}
