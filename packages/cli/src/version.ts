import { readFileSync } from 'node:fs'
import { findPackageJSON } from 'node:module'

/** This package's version, wherever it is installed. */
export function packageVersion(): string {
  const path = findPackageJSON(import.meta.url)
  if (path === undefined) return 'unknown'
  const { version } = JSON.parse(readFileSync(path, 'utf8')) as { readonly version?: string }
  return version ?? 'unknown'
}

/** Name and version, as manifests record them. */
export function toolName(): string {
  return `cairn ${packageVersion()}`
}
