import { posix } from 'node:path'
import { type Manifest, packageManifests, type Repository, sources } from './repository.ts'
import { codeOf, lineAt } from './scan.ts'

/** A file that needs more is more than one idea. */
export const SOURCE_LINES_MAX = 400

export function lengthProblems(repository: Repository): string[] {
  return sources(repository)
    .filter(({ path }) => /^packages\/[^/]+\/src\//.test(path))
    .map(({ path, text }) => ({ path, lines: text.trimEnd().split('\n').length }))
    .filter(({ lines }) => lines > SOURCE_LINES_MAX)
    .map(({ path, lines }) => `${path}: ${lines} lines, ${SOURCE_LINES_MAX} is the most`)
}

// Written so that this file does not contain what it looks for.
const MARKERS = /\b(?:T[O]DO|F[I]XME|X[X]X|H[A]CK)\b|@ts-(?:ig[n]ore|no[c]heck)\b/g
const UNTYPED = /\bas\s+any\b|<\s*any\s*>|:\s*any\b/g

/** Unfinished work lives in the tracker, and types are not switched off. */
export function wordProblems(repository: Repository): string[] {
  const isSource = new Set(sources(repository).map(({ path }) => path))
  return repository.files.flatMap(({ path, text }) => {
    const code = isSource.has(path) ? codeOf(text) : ''
    const found = [...text.matchAll(MARKERS), ...code.matchAll(UNTYPED)]
    return found.map((match) => `${path}:${lineAt(text, match.index)}: contains ${match[0]}`)
  })
}

/** Every link of a Markdown file to a file of the repository leads somewhere. */
export function linkProblems(repository: Repository): string[] {
  const problems: string[] = []
  for (const { path, text } of repository.files) {
    if (!path.endsWith('.md')) continue
    const prose = text.replaceAll(/^(```|~~~)[^]*?^\1/gm, '').replaceAll(/`[^`\n]*`/g, '')
    const links = [...prose.matchAll(/\]\(\s*<?([^)\s>]+)>?[^)]*\)/g), ...prose.matchAll(/^\[[^\]]+\]:\s*(\S+)/gm)]
    for (const [, link = ''] of links) {
      if (/^[a-z][a-z+.-]*:/i.test(link) || link.startsWith('#')) continue
      const target = decodeURIComponent(link.replace(/[#?].*$/, ''))
      const resolved = posix
        .normalize(target.startsWith('/') ? target.slice(1) : posix.join(posix.dirname(path), target))
        .replace(/\/$/, '')
      if (resolved !== '.' && !repository.paths.has(resolved)) problems.push(`${path}: links to ${link}, which is not there`)
    }
  }
  return problems
}

const DEPENDENCY_FIELDS = ['dependencies', 'devDependencies', 'optionalDependencies', 'peerDependencies'] as const

/** Versions are exact: what was tested is what is installed. */
export function versionProblems(repository: Repository): string[] {
  const problems: string[] = []
  for (const { path, text } of repository.files) {
    if (posix.basename(path) !== 'package.json') continue
    const manifest = JSON.parse(text) as Manifest
    for (const field of DEPENDENCY_FIELDS) {
      for (const [name, version] of Object.entries(manifest[field] ?? {})) {
        if (!/^\d+\.\d+\.\d+(?:-[\w.]+)?$/.test(version)) problems.push(`${path}: ${name} is at ${version}, not at an exact version`)
      }
    }
  }
  return problems
}

/** The README's table of packages promises what the packages' manifests promise. */
export function promiseProblems(repository: Repository): string[] {
  const readme = repository.files.find(({ path }) => path === 'README.md')?.text ?? ''
  const rows = readme
    .split('\n')
    .filter((line) => line.trimStart().startsWith('|'))
    .map((line) => line.split('|').map((cell) => cell.trim()))
  return [...packageManifests(repository)].flatMap(([directory, { name, description }]) => {
    if (description === undefined) return [`packages/${directory}/package.json: has no description`]
    // The first cell may be a link or code: [`name`](packages/name).
    const promised = rows.some((cells) => {
      const words = (cells[1] ?? '').replaceAll(/\]\([^)]*\)|[`[*]/g, '')
      return (words === name || words === directory) && cells.includes(description)
    })
    return promised ? [] : [`README.md: its table of packages does not promise for ${name}: ${description}`]
  })
}

/** Metrics that packages keep, and no others, have a row in the table of the operator's page. */
export function metricProblems({ files }: Repository): string[] {
  const page = 'docs/OPERATIONS.md'
  const rows = namesIn(files.find(({ path }) => path === page)?.text ?? '', /^\| `(cairn_\w+)`/gm)
  const sources = files.filter(({ path }) => /^packages\/[^/]+\/src\//.test(path))
  const kept = new Set(sources.flatMap(({ text }) => [...namesIn(text, /^\s*(cairn_\w+): \{/gm)]))
  return [
    ...[...kept.difference(rows)].map((name) => `${page}: has no row for ${name}`),
    ...[...rows.difference(kept)].map((name) => `${page}: has a row for ${name}, which nobody keeps`),
  ]
}

function namesIn(text: string, pattern: RegExp): ReadonlySet<string> {
  return new Set([...text.matchAll(pattern)].map(([, name = '']) => name))
}
