import { chmod, mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** A directory that is gone at the end of the block: `await using directory = await temporaryDirectory()`. */
export async function temporaryDirectory(): Promise<AsyncDisposable & { readonly path: string; join(...names: string[]): string }> {
  const path = await mkdtemp(join(tmpdir(), 'cairn-storage-'))
  return {
    path,
    join: (...names) => join(path, ...names),
    async [Symbol.asyncDispose]() {
      await makeWritable(path)
      await rm(path, { recursive: true, force: true })
    },
  }
}

/** Snapshots have read-only directories, which only root could empty. */
async function makeWritable(path: string): Promise<void> {
  await chmod(path, 0o700)
  for (const dirent of await readdir(path, { withFileTypes: true })) if (dirent.isDirectory()) await makeWritable(join(path, dirent.name))
}
