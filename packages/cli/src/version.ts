import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { findPackageJSON } from 'node:module'
import { dirname, join } from 'node:path'

/** Where this package is installed. */
export function packagePath(): string {
  const path = findPackageJSON(import.meta.url)
  assert(path !== undefined, 'every module is in a package')
  return dirname(path)
}

export function packageVersion(): string {
  const { version } = JSON.parse(readFileSync(join(packagePath(), 'package.json'), 'utf8')) as { readonly version?: string }
  return version ?? 'unknown'
}

/** Name and version, as manifests record them. */
export function toolName(): string {
  return `cairn ${packageVersion()}`
}
