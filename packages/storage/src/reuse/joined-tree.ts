import { join } from 'node:path'
import { Bitmap, type SnapshotIndex } from '@cairn/protocol'
import { readBootId } from '../boot-id.ts'
import { isSameFile } from '../place/adopt-file.ts'
import { type EntryFingerprint, fingerprintFile, readFingerprints } from '../place/fingerprints.ts'
import type { ChunkLocation, WholeFile } from '../place/placer.ts'
import { readJournal } from '../place/read-journal.ts'
import { replay } from '../place/replay.ts'
import { isSameFileContent } from './same-content.ts'

/** What may be believed of a file before it is read. `placed`: the chunks that the journal lists. `verified`: all of it. */
type FileState = 'unusable' | 'placed' | 'verified'

/**
 * A directory that was joined, complete or interrupted, as a place to find chunks in by its manifest.
 *
 * Nobody has it open: what is read of it is hashed, and a file is taken over unread only as long as it looks as it did when the join
 * had verified all of it.
 */
export class JoinedTree {
  readonly root: string
  readonly index: SnapshotIndex
  /** Whether every chunk of the snapshot is here, so that deltas against it can be read. */
  readonly isWhole: boolean
  /** Files of the manifest that are there and were changed by somebody, relative to the root. */
  readonly changed: readonly string[]
  readonly #states: readonly FileState[]
  readonly #placed: Bitmap
  readonly #fingerprints: ReadonlyMap<number, EntryFingerprint>

  private constructor(root: string, index: SnapshotIndex, parts: JoinedTreeParts) {
    this.root = root
    this.index = index
    this.isWhole = parts.isWhole
    this.changed = parts.changed
    this.#states = parts.states
    this.#placed = parts.placed
    this.#fingerprints = parts.fingerprints
  }

  /**
   * Looks at every file, reads none. With `isOurs` nobody else has worked in the directory: then files are whole whose chunks have all been
   * placed, too.
   *
   * @throws {StorageError} `IO_FAILED`, `CORRUPT`, `UNSUPPORTED_VERSION`
   */
  static async open(root: string, index: SnapshotIndex, isOurs = false): Promise<JoinedTree> {
    const journal = await readJournal(root)
    const isOfIndex = journal?.header.snapshot.equals(index.cid) === true
    const { placed, durable, inodes, complete, doubt } = replay(isOfIndex ? journal.records : [], index.chunksCount)
    // What no barrier has covered is as good as the page cache, which ends with the run of the machine.
    const isCached = !doubt && journal?.header.bootId !== undefined && journal.header.bootId === (await readBootId())
    const surely = isCached ? placed : durable
    const fingerprints = new Map(await readFingerprints(root, index.cid))
    const states: FileState[] = []
    const changed: string[] = []
    for (const [i, entry] of index.entries.entries()) {
      const found = entry.type === 'file' ? await fingerprintFile(join(root, entry.path)) : undefined
      const known = fingerprints.get(i)
      if (entry.type !== 'file' || found === undefined) states.push('unusable')
      else if (known !== undefined && isSameFile(found, { ...known, bytes: entry.bytes })) states.push('verified')
      else if (known === undefined && found.bytes === entry.bytes && found.inode === inodes.get(i)) {
        const isWhole = isOurs && index.chunksOfFile(i).every(({ chunk }) => surely.get(chunk))
        if (isWhole) fingerprints.set(i, { entry: i, inode: found.inode, mtimeNs: found.mtimeNs })
        states.push(isWhole ? 'verified' : 'placed')
      } else {
        states.push('unusable')
        changed.push(entry.path)
      }
    }
    const isThere = index.entries.every((entry, i) => entry.type !== 'file' || states[i] !== 'unusable')
    return new JoinedTree(root, index, { isWhole: complete && isThere, changed, states, placed, fingerprints })
  }

  /** Where the chunk with this digest should be. */
  locate(digest: Uint8Array): readonly ChunkLocation[] {
    const chunk = this.index.findChunk(digest)
    if (chunk === undefined) return []
    return this.index.places(chunk).flatMap(({ entry, offset }) => {
      const state = this.#states[entry]
      const isHere = state === 'verified' || (state === 'placed' && this.#placed.get(chunk))
      return isHere ? [{ path: this.#pathOf(entry), offset }] : []
    })
  }

  /** Length of the chunk with this digest; `undefined` if the snapshot has none such. */
  bytesOf(digest: Uint8Array): number | undefined {
    const chunk = this.index.findChunk(digest)
    return chunk === undefined ? undefined : this.index.chunkBytes(chunk)
  }

  /** A file here that is, as a whole, the file `entry` of `target`. */
  whole(target: SnapshotIndex, entry: number): WholeFile | undefined {
    const file = target.entries[entry]
    if (file?.type !== 'file' || file.refCount === 0) return undefined
    const first = this.index.findChunk(target.chunkDigest(target.refChunk(file.firstRef)))
    if (first === undefined) return undefined
    for (const place of this.index.places(first)) {
      const known = this.#fingerprints.get(place.entry)
      if (place.offset !== 0 || this.#states[place.entry] !== 'verified' || known === undefined) continue
      if (!isSameFileContent(this.index, place.entry, target, entry)) continue
      return { path: this.#pathOf(place.entry), bytes: file.bytes, inode: known.inode, mtimeNs: known.mtimeNs }
    }
    return undefined
  }

  #pathOf(entry: number): string {
    return join(this.root, this.index.entries[entry]!.path)
  }
}

interface JoinedTreeParts {
  readonly isWhole: boolean
  readonly changed: readonly string[]
  readonly states: readonly FileState[]
  readonly placed: Bitmap
  readonly fingerprints: ReadonlyMap<number, EntryFingerprint>
}
