import type { IndexedDirectory, IndexedFile } from '@cairn/protocol'

/**
 * Permissions of an entry while chunks are being placed: its own, and whatever its owner needs to write it.
 * Set-user-id and its kin come only when the content is whole.
 */
export function workingMode(entry: IndexedFile | IndexedDirectory): number {
  return entry.type === 'directory' ? (entry.mode & 0o777) | 0o700 : (entry.mode & 0o777) | 0o600
}
