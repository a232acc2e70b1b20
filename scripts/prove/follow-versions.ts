import { constants } from 'node:fs'
import { copyFile, link, mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileDigests, listFiles, treeDigest } from '../../test/bench/tree.ts'
import { generateRecordFile, updateRecordFile } from '../../test/datasets/index.ts'

/** The first and the last file of a version by name, which hold its height. */
export const MARKERS = ['aa-first', 'zz-last'] as const

const DATA_FILES = 16
const EDITED_SHARE = 0.01
const OWN_BYTES = 256 * 1024

/** What a ledger's state is at one height. */
export interface PublishedVersion {
  readonly height: number
  readonly path: string
  /** Over names and contents. */
  readonly digest: string
  /** Size of each distinct file, by its SHA-256. */
  readonly files: ReadonlyMap<string, number>
}

/**
 * Versions 1 to `count`, each of about `bytes`. From one to the next, one file of sixteen is written anew, one has edits all over, one has
 * another name, one is gone and one has come, and the two that hold the height change; all others are the same, and the same inode.
 */
export async function makeVersions(root: string, count: number, bytes: number): Promise<PublishedVersion[]> {
  const versions: PublishedVersion[] = []
  for (let height = 1; height <= count; height++) {
    const path = join(root, `${height}`)
    await makeVersion(path, versions.at(-1)?.path, height, bytes)
    versions.push(await describeVersion(path, height))
  }
  return versions
}

/** Bytes of all distinct files that any of `versions` has. */
export function distinctBytes(...versions: readonly PublishedVersion[]): number {
  const files = new Map(versions.flatMap((version) => [...version.files]))
  return [...files.values()].reduce((sum, bytes) => sum + bytes, 0)
}

async function makeVersion(path: string, before: string | undefined, height: number, bytes: number): Promise<void> {
  await mkdir(join(path, 'data'), { recursive: true })
  for (const name of MARKERS) await writeFile(join(path, name), `${height}\n`)
  await generateRecordFile({ path: join(path, `only-${height}`), bytes: OWN_BYTES, seed: `only ${height}` })
  const wandering = join(path, `wandering-${height}`)
  if (before === undefined) await generateRecordFile({ path: wandering, bytes: OWN_BYTES, seed: 'wandering' })
  else await link(join(before, `wandering-${height - 1}`), wandering)
  const written = height % DATA_FILES
  const edited = (height + DATA_FILES / 2) % DATA_FILES
  for (let index = 0; index < DATA_FILES; index++) {
    const name = join('data', `${index}`.padStart(2, '0'))
    const at = join(path, name)
    if (before === undefined || index === written) {
      await generateRecordFile({ path: at, bytes: bytes / DATA_FILES, seed: `${name} ${height}` })
    } else if (index === edited) {
      await copyFile(join(before, name), at, constants.COPYFILE_FICLONE)
      await updateRecordFile({ path: at, seed: height, share: EDITED_SHARE, layout: 'scattered' })
    } else await link(join(before, name), at)
  }
}

async function describeVersion(path: string, height: number): Promise<PublishedVersion> {
  const digests = await fileDigests(path)
  const files = new Map((await listFiles(path)).map((file) => [digests.get(file.path)!, file.bytes]))
  return { height, path, digest: await treeDigest(path), files }
}
