import { isBuiltin } from 'node:module'
import { LAYERS, packageDirectory } from './layers.ts'
import { type Repository, type RepositoryFile, sources } from './repository.ts'
import { codeOf, importsOf, lineAt } from './scan.ts'

/** Layers 1 and 2 decide; swarm acts, but only through what it is handed. The same inputs give the same outputs in all of them. */
export const PURE_PACKAGES: readonly string[] = [...LAYERS[1]!, ...LAYERS[2]!, 'swarm']

/** Modules of Node that compute and do nothing else. What node:crypto has of chance is caught by name. */
const PURE_MODULES = new Set(['assert', 'assert/strict', 'buffer', 'crypto', 'util', 'zlib'])

/** The world outside, by the names under which code reaches it. */
const IMPURE: readonly { readonly what: string; readonly pattern: RegExp }[] = [
  {
    what: 'a clock',
    pattern: /\bDate\s*\.\s*now\b|\bnew\s+Date\s*(?:\(\s*\)|(?!\s*\())|(?<!\bnew\s+|[.\w$])Date\s*\(|\bTemporal\s*\.\s*Now\b/g,
  },
  { what: 'a clock', pattern: /(?<![.\w$])performance\s*[.[]|\bhrtime\b/g },
  { what: 'chance', pattern: /\bMath\s*\.\s*random\b|\b(?:randomBytes|randomInt|randomUUID|randomFill(?:Sync)?|getRandomValues)\b/g },
  {
    what: 'a timer',
    pattern: /\b(?:setTimeout|setInterval|setImmediate|nextTick)\b|\bAbortSignal\s*\.\s*timeout\b|\bAtomics\s*\.\s*wait/g,
  },
  { what: 'the console', pattern: /(?<![.\w$])console\s*[.[]/g },
  { what: 'the process', pattern: /(?<![.\w$])process\s*[.[]/g },
  { what: 'the global object', pattern: /\bglobalThis\b/g },
  { what: 'the network', pattern: /(?:\b(?:await|return|void)|[=(,])\s*fetch\s*\(|\b(?:WebSocket|XMLHttpRequest)\b/g },
]

/** Names that `@cairn/runtime` exports for the outermost layers to hand in. */
const SYSTEM_NAMES = ['systemClock', 'systemRandom']

/** Pure packages touch no clock, chance, timer, console, process, disk or socket. */
export function purityProblems(repository: Repository): string[] {
  const pure = sources(repository).filter(({ path }) => {
    const directory = packageDirectory(path)
    return directory !== undefined && PURE_PACKAGES.includes(directory) && path.startsWith(`packages/${directory}/src/`)
  })
  return pure.flatMap((file) => [...importProblems(file), ...identifierProblems(file)])
}

function importProblems(file: RepositoryFile): string[] {
  const problems: string[] = []
  for (const { specifier, names } of importsOf(file.text)) {
    const module = specifier.replace(/^node:/, '')
    if (isBuiltin(specifier) && !PURE_MODULES.has(module)) problems.push(`${file.path}: imports ${specifier}`)
    for (const name of names) if (SYSTEM_NAMES.includes(name)) problems.push(`${file.path}: imports ${name}`)
  }
  return problems
}

function identifierProblems(file: RepositoryFile): string[] {
  const code = codeOf(file.text)
  return IMPURE.flatMap(({ what, pattern }) =>
    [...code.matchAll(pattern)].map((match) => `${file.path}:${lineAt(code, match.index)}: touches ${what} (${match[0].trim()})`),
  )
}
