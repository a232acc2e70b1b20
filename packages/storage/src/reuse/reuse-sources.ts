import { join } from 'node:path'
import type { Bitmap, CID, SnapshotIndex } from '@cairn/protocol'
import type { AdoptMethod, ChunkLocation, Placer, WholeFile } from '../place/placer.ts'
import { filesBelow } from './files-below.ts'
import { JoinedTree } from './joined-tree.ts'
import { ScannedFiles } from './scanned-files.ts'

/** A chunk of zeros may be in a million places: if the first few do not have it, it is fetched. */
const LOCATIONS_MAX = 4

/** A directory in which chunks of a snapshot may be found. */
export interface ReuseDirectory {
  readonly root: string
  /** The snapshot that it was joined to: chunks are looked up, not searched for. Absent: every file is cut and hashed. */
  readonly index?: SnapshotIndex
  /** The files to cut and hash, relative to the root. Absent: all that `index` does not answer for. */
  readonly files?: readonly string[]
  /** How a file that is needed as a whole may be taken over; none: it is copied. */
  readonly methods: readonly AdoptMethod[]
}

export interface ReuseSourcesInit {
  /** What is to be placed, and the chunks of it that are in place. */
  readonly target: SnapshotIndex
  readonly have: Bitmap
  /** The most promising first. */
  readonly directories: readonly ReuseDirectory[]
  readonly placer: Placer
  readonly signal?: AbortSignal
  /** Hears how much has been cut and hashed. */
  readonly onScanned?: (bytes: number) => void
}

interface UsableTree {
  readonly tree: JoinedTree
  readonly methods: readonly AdoptMethod[]
}

interface UsableFiles {
  readonly files: ScannedFiles
  readonly methods: readonly AdoptMethod[]
}

/** A whole file, and how it may be taken over. */
export interface AdoptableFile {
  readonly file: WholeFile
  readonly methods: readonly AdoptMethod[]
}

/**
 * What of a snapshot is on this machine already: by the manifests of directories that were joined, and, for what those lack, by
 * content. Promises nothing: whoever takes a chunk from here hashes it.
 */
export class ReuseSources {
  readonly #target: SnapshotIndex
  readonly #trees: readonly UsableTree[]
  readonly #scanned: readonly UsableFiles[]

  private constructor(target: SnapshotIndex, trees: readonly UsableTree[], scanned: readonly UsableFiles[]) {
    this.#target = target
    this.#trees = trees
    this.#scanned = scanned
  }

  /** Looks at the directories; reads files only while chunks are missing that no manifest places. @throws {StorageError} `IO_FAILED` */
  static async open(init: ReuseSourcesInit): Promise<ReuseSources> {
    const { target, have, directories, placer, signal } = init
    const trees: UsableTree[] = []
    for (const { root, index, methods } of directories) {
      if (index !== undefined) trees.push({ tree: await JoinedTree.open(root, index, methods.includes('move')), methods })
    }
    const found = have.clone()
    for (let chunk = found.nextClear(0); chunk !== undefined; chunk = found.nextClear(chunk + 1)) {
      const digest = target.chunkDigest(chunk)
      if (trees.some(({ tree }) => tree.locate(digest).length > 0)) found.set(chunk)
    }
    const scanned: UsableFiles[] = []
    let scannedBytes = 0
    for (const directory of directories) {
      if (found.isFull()) break
      const { root, methods } = directory
      const files = new ScannedFiles(target, placer)
      const changed = new Set(trees.find(({ tree }) => tree.root === root && tree.index === directory.index)?.tree.changed)
      for await (const path of directory.files ?? filesBelow(root)) {
        if (directory.index?.entryAt(path) !== undefined && !changed.has(path)) continue
        scannedBytes += await files.scan(join(root, path), found, signal)
        init.onScanned?.(scannedBytes)
      }
      scanned.push({ files, methods })
    }
    return new ReuseSources(target, trees, scanned)
  }

  /** Snapshots of which every chunk is here. */
  get snapshots(): readonly CID[] {
    return this.#trees.flatMap(({ tree }) => (tree.isWhole ? [tree.index.cid] : []))
  }

  /** Where chunk `chunk` of the target may be read. */
  locate(chunk: number): readonly ChunkLocation[] {
    const scanned = this.#scanned.flatMap(({ files }) => files.locate(chunk) ?? [])
    return [...scanned, ...this.locateDigest(this.#target.chunkDigest(chunk))].slice(0, LOCATIONS_MAX)
  }

  /** Where the chunk with this digest, of any snapshot here, may be read. */
  locateDigest(digest: Uint8Array): readonly ChunkLocation[] {
    const locations: ChunkLocation[] = []
    for (const { tree } of this.#trees) {
      locations.push(...tree.locate(digest))
      if (locations.length >= LOCATIONS_MAX) break
    }
    return locations.slice(0, LOCATIONS_MAX)
  }

  /** Length of the chunk with this digest, of any snapshot here. */
  bytesOf(digest: Uint8Array): number | undefined {
    for (const { tree } of this.#trees) {
      const bytes = tree.bytesOf(digest)
      if (bytes !== undefined) return bytes
    }
    return undefined
  }

  /** A file that is, as a whole, the file `entry` of the target. */
  whole(entry: number): AdoptableFile | undefined {
    for (const { tree, methods } of this.#trees) {
      const file = methods.length === 0 ? undefined : tree.whole(this.#target, entry)
      if (file !== undefined) return { file, methods }
    }
    for (const { files, methods } of this.#scanned) {
      const file = methods.length === 0 ? undefined : files.whole(entry)
      if (file !== undefined) return { file, methods }
    }
    return undefined
  }
}
