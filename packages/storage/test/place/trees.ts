import { lstat, readdir, readFile, readlink } from 'node:fs/promises'
import { join } from 'node:path'
import { plainFrame } from '@cairn/protocol'
import type { PlaceStore } from '../../src/index.ts'
import { type SampleEntry, type SampleSnapshot, sampleBytes } from '../../src/testing/index.ts'

const KIB = 1024
/** Only root can read back, and so verify, what nobody may read. */
const unreadable = process.getuid?.() === 0 ? 0o000 : 0o400
const shared = sampleBytes('shared', 16 * KIB)

/** A bit of everything: shared chunks, empty files and directories, odd permissions and names, links that dangle or point outside. */
export const oddTree: readonly SampleEntry[] = [
  { type: 'directory', path: 'db', mode: 0o755, stage: 'bootstrap' },
  { type: 'file', path: 'db/CURRENT', mode: 0o644, content: Buffer.from('MANIFEST-000004\n'), stage: 'bootstrap' },
  { type: 'file', path: 'db/LOCK', mode: 0o600, content: Buffer.alloc(0), stage: 'bootstrap' },
  { type: 'file', path: 'db/000005.ldb', mode: 0o644, content: Buffer.concat([shared, sampleBytes('hot', 20 * KIB)]), stage: 'hot' },
  { type: 'directory', path: 'a', mode: 0o555 },
  { type: 'file', path: 'a-first', mode: 0o444, content: sampleBytes('a-first', 3 * KIB) },
  { type: 'directory', path: 'a/empty', mode: 0o1777 },
  { type: 'file', path: 'a/script', mode: 0o4755, content: sampleBytes('script', 100) },
  { type: 'file', path: 'a/secret', mode: unreadable, content: sampleBytes('secret', 50 * KIB) },
  { type: 'file', path: 'db/000006.ldb', mode: 0o640, content: Buffer.concat([shared, shared, sampleBytes('tail', 5)]) },
  { type: 'symlink', path: 'db/latest', target: '000006.ldb' },
  { type: 'symlink', path: 'outside', target: '../../etc/passwd' },
  { type: 'file', path: 'zeros', mode: 0o666, content: Buffer.alloc(40 * KIB) },
  { type: 'file', path: 'ünïcode \n name', mode: 0o644, content: Buffer.from('x') },
]

/** What a node needs to start is in a read-only directory that later stages add to. */
export const stagedTree: readonly SampleEntry[] = [
  { type: 'directory', path: 'bin', mode: 0o555, stage: 'bootstrap' },
  { type: 'symlink', path: 'bin/current', target: 'start', stage: 'bootstrap' },
  { type: 'file', path: 'bin/empty', mode: 0o400, content: Buffer.alloc(0), stage: 'bootstrap' },
  { type: 'file', path: 'bin/start', mode: 0o4555, content: Buffer.from('start'), stage: 'bootstrap' },
  { type: 'file', path: 'hot', mode: 0o644, content: sampleBytes('hot', 40_000), stage: 'hot' },
  { type: 'file', path: 'bin/late', mode: 0o644, content: sampleBytes('late', 40_000) },
]

/** Everything that a snapshot says of a tree, and `.cairn` left out: equal for equal trees. */
export async function listTree(root: string): Promise<Readonly<Record<string, string>>> {
  const listing: Record<string, string> = {}
  const visit = async (relative: string): Promise<void> => {
    for (const name of (await readdir(join(root, relative))).sort()) {
      const path = relative === '' ? name : `${relative}/${name}`
      if (path === '.cairn') continue
      const stats = await lstat(join(root, path))
      const mode = (stats.mode & 0o7777).toString(8)
      if (stats.isSymbolicLink()) listing[path] = `link ${await readlink(join(root, path))}`
      else if (stats.isDirectory()) {
        listing[path] = `directory ${mode}`
        await visit(path)
      } else listing[path] = `file ${mode} ${(await readFile(join(root, path))).toString('base64')}`
    }
  }
  await visit('')
  return listing
}

/** Delivers `chunks`, all that are missing by default, at once. */
export async function deliver(store: PlaceStore, snapshot: SampleSnapshot, chunks?: Iterable<number>): Promise<void> {
  const all = Array.from({ length: snapshot.index.chunksCount }, (_, i) => i)
  await Promise.all([...(chunks ?? all)].map((chunk) => store.deliver(chunk, plainFrame(snapshot.plain(chunk)))))
}
