import { posix } from 'node:path'
import { manifestAt, packageManifests, type Repository, type RepositoryFile, sources } from './repository.ts'
import { importsOf, packageOf } from './scan.ts'

/** Imports point from a later line to an earlier one, never within a line. */
export const LAYERS: readonly (readonly string[])[] = [
  ['runtime'],
  ['protocol'],
  ['ledger', 'scheduler', 'policy', 'trust'],
  ['storage', 'network', 'observability', 'sample'],
  ['swarm'],
  ['origin', 'cache', 'node', 'replica'],
  ['simulator'],
  ['cli', 'dashboard'],
]

export function layerOf(directory: string): number {
  return LAYERS.findIndex((layer) => layer.includes(directory))
}

/** Directory name of the package that `path` belongs to. */
export function packageDirectory(path: string): string | undefined {
  return /^packages\/([^/]+)\//.exec(path)?.[1]
}

/** Imports between packages point down only, and go through a package's name. */
export function layerProblems(repository: Repository): string[] {
  const manifests = packageManifests(repository)
  const directories = new Map([...manifests].map(([directory, { name }]) => [name, directory]))
  const problems = [...manifests.keys()]
    .filter((directory) => layerOf(directory) < 0)
    .map((directory) => `packages/${directory} is in no layer`)
  for (const file of sources(repository)) {
    const from = packageDirectory(file.path)
    if (from === undefined) continue
    for (const { specifier } of importsOf(file.text)) {
      const to = directories.get(packageOf(specifier) ?? '')
      if (to !== undefined && to !== from && layerOf(to) >= layerOf(from)) problems.push(`${file.path}: ${from} must not import ${to}`)
      if (leavesPackage(file, specifier)) problems.push(`${file.path}: ${specifier} reaches into another package`)
    }
  }
  return problems
}

/** What a package's sources import is what its manifest lists, no more and no less. */
export function dependencyProblems(repository: Repository): string[] {
  const problems: string[] = []
  const root = manifestAt(repository, 'package.json')
  for (const [directory, manifest] of packageManifests(repository)) {
    const listed = new Set(Object.keys(manifest.dependencies ?? {}))
    const used = new Set<string>()
    for (const file of sources(repository)) {
      if (packageDirectory(file.path) !== directory) continue
      const isTest = file.path.startsWith(`packages/${directory}/test/`)
      for (const { specifier } of importsOf(file.text)) {
        const name = packageOf(specifier)
        if (name === undefined || name === manifest.name) continue
        if (!isTest) used.add(name)
        const known = listed.has(name) || (isTest && (name.startsWith('@cairn/') || name in (root.devDependencies ?? {})))
        if (!known) problems.push(`${file.path}: imports ${name}, which packages/${directory}/package.json does not list`)
      }
    }
    for (const name of listed)
      if (!used.has(name)) problems.push(`packages/${directory}/package.json: lists ${name}, which nothing imports`)
  }
  return problems
}

const LIBP2P = /^(?:libp2p|@libp2p\/|@multiformats\/|@chainsafe\/libp2p)/
const LIBP2P_HOMES = ['packages/network/src/libp2p/', 'packages/network/test/libp2p', 'test/']

/** libp2p is one adapter's business. */
export function libp2pProblems(repository: Repository): string[] {
  const problems: string[] = []
  for (const file of sources(repository)) {
    if (LIBP2P_HOMES.some((home) => file.path.startsWith(home))) continue
    for (const { specifier } of importsOf(file.text)) {
      if (LIBP2P.test(specifier)) problems.push(`${file.path}: imports ${specifier} outside packages/network/src/libp2p/`)
    }
  }
  for (const [directory, { dependencies = {} }] of packageManifests(repository)) {
    if (directory === 'network') continue
    for (const name of Object.keys(dependencies)) if (LIBP2P.test(name)) problems.push(`packages/${directory}/package.json: lists ${name}`)
  }
  return problems
}

function leavesPackage(file: RepositoryFile, specifier: string): boolean {
  if (!specifier.startsWith('.')) return false
  const target = posix.join(posix.dirname(file.path), specifier)
  const to = packageDirectory(target)
  return to !== packageDirectory(file.path) && to !== undefined
}
