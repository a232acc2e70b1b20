import { chmod, mkdir, symlink, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'

type OddEntry =
  | { readonly type: 'file'; readonly path: string; readonly mode: number; readonly content: string }
  | { readonly type: 'directory'; readonly path: string; readonly mode: number }
  | { readonly type: 'symlink'; readonly path: string; readonly target: string }

const DEEP = Array.from({ length: 40 }, (_, depth) => `level-${depth}`).join('/')
const REPEATED = 'the same bytes in several places\n'.repeat(4096)

/** One of everything a file system allows that a snapshot must carry unharmed. Parents may be listed or implied. */
export const ODD_ENTRIES: readonly OddEntry[] = [
  { type: 'file', path: 'empty', mode: 0o644, content: '' },
  { type: 'file', path: 'one-byte', mode: 0o644, content: 'x' },
  { type: 'file', path: 'one-zero-byte', mode: 0o644, content: '\0' },
  { type: 'directory', path: 'empty-directory', mode: 0o755 },
  { type: 'directory', path: 'empty-directories/inside/each-other', mode: 0o755 },
  { type: 'directory', path: 'private-directory', mode: 0o700 },
  { type: 'file', path: 'private-directory/inside', mode: 0o600, content: 'inside\n' },
  { type: 'file', path: `${DEEP}/bottom`, mode: 0o644, content: 'deep\n' },
  { type: 'file', path: 'name with spaces', mode: 0o644, content: 'spaces\n' },
  { type: 'file', path: ' leading and trailing ', mode: 0o644, content: 'edges\n' },
  { type: 'file', path: '-rf', mode: 0o644, content: 'leading dash\n' },
  { type: 'file', path: '.hidden', mode: 0o644, content: 'leading dot\n' },
  { type: 'file', path: '...', mode: 0o644, content: 'three dots\n' },
  { type: 'file', path: 'back\\slash', mode: 0o644, content: 'not a separator\n' },
  { type: 'file', path: 'quote\'s "and" $HOME `id` *?[x]', mode: 0o644, content: 'shell\n' },
  { type: 'file', path: 'line\nbreak\tand tab', mode: 0o644, content: 'control characters\n' },
  { type: 'file', path: 'caf\u00e9', mode: 0o644, content: 'composed\n' },
  { type: 'file', path: 'cafe\u0301', mode: 0o644, content: 'decomposed: another name with the same look\n' },
  { type: 'file', path: '石塚/ケルン-🪨', mode: 0o644, content: 'beyond the basic plane\n' },
  { type: 'file', path: '\uff5e', mode: 0o644, content: 'sorts before a surrogate pair by bytes, after it by UTF-16\n' },
  { type: 'file', path: '🪨', mode: 0o644, content: 'see above\n' },
  { type: 'file', path: 'n'.repeat(255), mode: 0o644, content: 'the longest name\n' },
  { type: 'file', path: 'Case', mode: 0o644, content: 'upper\n' },
  { type: 'file', path: 'case', mode: 0o644, content: 'lower\n' },
  { type: 'file', path: 'a', mode: 0o644, content: 'a file whose name is a prefix of a directory\n' },
  { type: 'file', path: 'a.d/x', mode: 0o644, content: 'sorts between "a" and "a/"\n' },
  { type: 'file', path: 'executable', mode: 0o755, content: '#!/bin/sh\n' },
  { type: 'file', path: 'read-only', mode: 0o400, content: 'owner may read\n' },
  { type: 'file', path: 'group-readable', mode: 0o640, content: 'group may read\n' },
  { type: 'file', path: 'copies/first', mode: 0o644, content: REPEATED },
  { type: 'file', path: 'copies/second', mode: 0o600, content: REPEATED },
  { type: 'symlink', path: 'links/relative', target: '../one-byte' },
  { type: 'symlink', path: 'links/to-directory', target: '../copies' },
  { type: 'symlink', path: 'links/dangling', target: 'nowhere/at/all' },
  { type: 'symlink', path: 'links/outside', target: '/dev/null' },
  { type: 'symlink', path: 'links/loop', target: 'loop' },
]

/** Writes {@link ODD_ENTRIES} under `path`, which is created. Modes are set whatever the umask is. */
export async function generateOddTree(path: string): Promise<void> {
  await mkdir(path, { recursive: true })
  for (const entry of ODD_ENTRIES) {
    const at = join(path, entry.path)
    await mkdir(dirname(at), { recursive: true })
    switch (entry.type) {
      case 'file':
        await writeFile(at, entry.content)
        await chmod(at, entry.mode)
        break
      case 'directory':
        await mkdir(at, { recursive: true })
        await chmod(at, entry.mode)
        break
      case 'symlink':
        await symlink(entry.target, at)
        break
      default:
        entry satisfies never
    }
  }
}
