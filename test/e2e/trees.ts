import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { lstat, readdir, readlink } from 'node:fs/promises'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'

/** All that a snapshot carries of each path: type, permission bits, content or target. Keys are paths with `/`, as bytes read as Latin-1. */
export type Tree = Readonly<Record<string, string>>

/** A joined directory's own folder, which is not part of what was published. */
const STATE_DIRECTORY = '.cairn'

/** @throws {AssertionError} naming the paths that differ between what was published from `source` and what is in `target` */
export async function assertSameTree(target: string, source: string): Promise<void> {
  assert.deepEqual(await readTree(target), await readTree(source))
}

/** Describes everything below `root` but its `.cairn`. Owners and times are nobody's business. */
export async function readTree(root: string): Promise<Tree> {
  const tree: Record<string, string> = {}
  await describeDirectory(Buffer.from(root), '', tree)
  return tree
}

async function describeDirectory(directory: Buffer, prefix: string, tree: Record<string, string>): Promise<void> {
  const names = await readdir(directory, { encoding: 'buffer' })
  for (const name of names.sort((a, b) => Buffer.compare(a, b))) {
    const path = prefix + name.toString('latin1')
    if (path === STATE_DIRECTORY) continue
    const full = Buffer.concat([directory, Buffer.from('/'), name])
    const stats = await lstat(full)
    const mode = (stats.mode & 0o7777).toString(8)
    if (stats.isDirectory()) {
      tree[path] = `directory ${mode}`
      await describeDirectory(full, `${path}/`, tree)
    } else if (stats.isSymbolicLink()) tree[path] = `link to ${(await readlink(full, { encoding: 'buffer' })).toString('latin1')}`
    else if (stats.isFile()) tree[path] = `file ${mode} of ${stats.size} bytes, ${await digest(full)}`
    else tree[path] = `something else, mode ${mode}`
  }
}

async function digest(path: Buffer): Promise<string> {
  const hash = createHash('sha256')
  await pipeline(createReadStream(path, { highWaterMark: 1024 ** 2 }), hash)
  return hash.digest('hex')
}

/** Sum of the sizes of all regular files below `root`, its `.cairn` not counted; what a running process removes meanwhile counts nothing. */
export async function treeBytes(root: string): Promise<number> {
  let bytes = 0
  for (const path of await readdir(root, { recursive: true })) {
    const stats = await lstat(join(root, path)).catch((error: unknown) => {
      if (!isNotFound(error)) throw error
      return undefined
    })
    if (stats?.isFile() === true && path.split('/')[0] !== STATE_DIRECTORY) bytes += stats.size
  }
  return bytes
}

function isNotFound(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ENOENT'
}
