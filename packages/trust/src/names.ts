import { isName } from '@cairn/protocol'

/**
 * Lower case and no dot: a ledger's name is a file name on any disk, and never one that another role uses (`2.root.json`).
 * A letter first: `NAME@123` is then a height and never a channel, and no name is an array index, which JavaScript
 * objects would reorder under the signature.
 */
const LETTER_FIRST = /^[a-z]/
const HEIGHT = /^(?:0|[1-9][0-9]{0,15})$/
const ROLES: readonly string[] = ['root', 'targets', 'snapshot', 'timestamp']

/** Whether `name` may name a ledger, and with it a role and a metadata file. */
export function isLedgerName(name: string): boolean {
  return isChannelName(name) && !ROLES.includes(name)
}

/** Whether `name` may name a channel. */
export function isChannelName(name: string): boolean {
  return LETTER_FIRST.test(name) && isName(name)
}

/** The height that `text` spells in its only form (decimal, no sign, no leading zero). */
export function parseHeight(text: string): number | undefined {
  const height = HEIGHT.test(text) ? Number(text) : Number.NaN
  return Number.isSafeInteger(height) ? height : undefined
}

/** The metadata file of a role: `timestamp.json`, `mainnet.json`. */
export function fileOf(role: string): string {
  return `${role}.json`
}

/** The file that a root of `version` is published under, besides `root.json` for the newest. */
export function rootFileOf(version: number): string {
  return `${version}.root.json`
}

/** The target path of a release. */
export function releasePath(ledger: string, height: number): string {
  return `${ledger}/${height}`
}
