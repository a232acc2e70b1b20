import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { lstat, readdir } from 'node:fs/promises'
import { join } from 'node:path'

export interface TreeFile {
  /** Relative to the directory. */
  readonly path: string
  readonly bytes: number
}

/** The regular files under `directory`, by path; `skip` names a top-level entry to leave out. */
export async function listFiles(directory: string, skip?: string): Promise<TreeFile[]> {
  const files: TreeFile[] = []
  for (const path of await readdir(directory, { recursive: true })) {
    const stat = await lstat(join(directory, path))
    if (stat.isFile() && path.split('/')[0] !== skip) files.push({ path, bytes: stat.size })
  }
  return files.sort((a, b) => (a.path < b.path ? -1 : 1))
}

export function totalBytes(files: readonly TreeFile[]): number {
  return files.reduce((sum, file) => sum + file.bytes, 0)
}

/** SHA-256 over the names and contents of all files: equal for equal trees. */
export async function treeDigest(directory: string, skip?: string): Promise<string> {
  const hash = createHash('sha256')
  for (const { path, bytes } of await listFiles(directory, skip)) {
    hash.update(`${path}\0${bytes}\0`)
    for await (const chunk of createReadStream(join(directory, path), { highWaterMark: 1024 ** 2 })) hash.update(chunk as Buffer)
  }
  return hash.digest('hex')
}

/** SHA-256 of every file under `directory`, by path. */
export async function fileDigests(directory: string): Promise<ReadonlyMap<string, string>> {
  const digests = new Map<string, string>()
  for (const { path } of await listFiles(directory)) digests.set(path, await fileDigest(join(directory, path)))
  return digests
}

/** SHA-256 of one file's bytes. */
export async function fileDigest(path: string): Promise<string> {
  const hash = createHash('sha256')
  for await (const chunk of createReadStream(path, { highWaterMark: 1024 ** 2 })) hash.update(chunk as Buffer)
  return hash.digest('hex')
}
