import { readdir, readFile } from 'node:fs/promises'
import { join, relative } from 'node:path'

/** A file of the repository; `path` is relative to the root, with `/`. */
export interface RepositoryFile {
  readonly path: string
  readonly text: string
}

export interface Manifest {
  readonly name: string
  readonly description?: string
  readonly dependencies?: Readonly<Record<string, string>>
  readonly devDependencies?: Readonly<Record<string, string>>
  readonly optionalDependencies?: Readonly<Record<string, string>>
  readonly peerDependencies?: Readonly<Record<string, string>>
}

/** The repository as the checks see it: text, no disk. */
export interface Repository {
  readonly files: readonly RepositoryFile[]
  /** Every path, directories included, so that links can be resolved. */
  readonly paths: ReadonlySet<string>
}

const SKIPPED = new Set(['node_modules', '.git', 'dist', '.turbo', 'local'])
const TEXT = /\.(?:ts|js|mjs|json|md|ya?ml|sh)$|(?:^|\/)(?:LICENSE[^/]*|\.ci\/run|Dockerfile)$/

export async function readRepository(root: string): Promise<Repository> {
  const files: RepositoryFile[] = []
  const paths = new Set<string>()
  const walk = async (directory: string): Promise<void> => {
    for (const entry of await readdir(directory, { withFileTypes: true })) {
      if (SKIPPED.has(entry.name)) continue
      const absolute = join(directory, entry.name)
      const path = relative(root, absolute).replaceAll('\\', '/')
      paths.add(path)
      if (entry.isDirectory()) await walk(absolute)
      else if (entry.isFile() && TEXT.test(path) && path !== 'package-lock.json')
        files.push({ path, text: await readFile(absolute, 'utf8') })
    }
  }
  await walk(root)
  return { files: files.sort((a, b) => (a.path < b.path ? -1 : 1)), paths }
}

/** A repository made of texts, for tests. */
export function repositoryOf(texts: Readonly<Record<string, string>>): Repository {
  const paths = new Set<string>()
  for (const path of Object.keys(texts)) {
    const parts = path.split('/')
    for (let length = 1; length <= parts.length; length++) paths.add(parts.slice(0, length).join('/'))
  }
  return { files: Object.entries(texts).map(([path, text]) => ({ path, text })), paths }
}

/** Source files in TypeScript and JavaScript. */
export function sources(repository: Repository): RepositoryFile[] {
  return repository.files.filter(({ path }) => /\.(?:ts|js|mjs)$/.test(path))
}

/** The manifest at `path`, which must exist. */
export function manifestAt(repository: Repository, path: string): Manifest {
  const file = repository.files.find((candidate) => candidate.path === path)
  if (file === undefined) throw new Error(`${path} is missing`)
  return JSON.parse(file.text) as Manifest
}

/** The workspace packages by directory name. */
export function packageManifests(repository: Repository): Map<string, Manifest> {
  const manifests = new Map<string, Manifest>()
  for (const { path } of repository.files) {
    const directory = /^packages\/([^/]+)\/package\.json$/.exec(path)?.[1]
    if (directory !== undefined) manifests.set(directory, manifestAt(repository, path))
  }
  return manifests
}
