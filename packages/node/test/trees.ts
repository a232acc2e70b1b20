import { lstat, readdir, readFile, readlink } from 'node:fs/promises'
import { join } from 'node:path'
import { STATE_DIRECTORY } from '@cairn/storage'
import { type SampleEntry, sampleBytes } from '@cairn/storage/testing'

const KIB = 1024
const shared = sampleBytes('shared', 16 * KIB)

/** A ledger's directory as of `height`: every kind of entry, all three stages, chunks in several places and across heights. */
export function treeOf(height: number): readonly SampleEntry[] {
  return [
    { type: 'directory', path: 'db', mode: 0o755, stage: 'bootstrap' },
    { type: 'file', path: 'db/CURRENT', mode: 0o644, content: Buffer.from(`MANIFEST ${height}\n`), stage: 'bootstrap' },
    { type: 'file', path: 'db/LOCK', mode: 0o600, content: Buffer.alloc(0), stage: 'bootstrap' },
    { type: 'file', path: 'db/hot', mode: 0o644, content: Buffer.concat([shared, sampleBytes(`hot ${height}`, 40 * KIB)]), stage: 'hot' },
    { type: 'directory', path: 'archive', mode: 0o750 },
    { type: 'directory', path: 'archive/empty', mode: 0o700 },
    { type: 'file', path: 'archive/script', mode: 0o755, content: Buffer.from('#!/bin/sh\n') },
    { type: 'symlink', path: 'archive/state', target: '../db/hot' },
    { type: 'file', path: 'blocks', mode: 0o440, content: Buffer.concat([sampleBytes('blocks', 1600 * KIB), shared]) },
    { type: 'file', path: 'zeros', mode: 0o644, content: Buffer.alloc(100 * KIB) },
  ]
}

/** Everything that a snapshot says of a tree, and `.cairn` left out: equal for equal trees. */
export async function listTree(root: string): Promise<Readonly<Record<string, string>>> {
  const listing: Record<string, string> = {}
  const paths = await readdir(root, { recursive: true })
  for (const path of paths.sort()) {
    if (path.split('/')[0] === STATE_DIRECTORY) continue
    const stats = await lstat(join(root, path))
    const mode = (stats.mode & 0o7777).toString(8)
    if (stats.isSymbolicLink()) listing[path] = `link ${await readlink(join(root, path))}`
    else if (stats.isDirectory()) listing[path] = `directory ${mode}`
    else listing[path] = `file ${mode} ${(await readFile(join(root, path))).toString('base64')}`
  }
  return listing
}
