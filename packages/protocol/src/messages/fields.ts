import { CID, decodeCid } from '../cid.ts'
import { ProtocolError } from '../errors.ts'
import { malformed, readList } from '../manifest/fields.ts'

/** Validators of the fields that only messages have. `what` names the field in the fault. */

export const U32_MAX = 0xffff_ffff

/** The field that tells how to read the rest of `value`, which need not even be a map yet. */
export function peekField(value: unknown, name: 'type' | 'v'): unknown {
  return (value as { readonly type?: unknown; readonly v?: unknown } | null | undefined)?.[name]
}

/** Text that `accepts` accepts. */
export function readMatching(value: unknown, what: string, accepts: (text: string) => boolean): string {
  if (typeof value !== 'string' || !accepts(value)) throw malformed(what, 'not as it must be written')
  return value
}

/** One of `choices`. */
export function readChoice<const Choice extends string>(value: unknown, what: string, choices: readonly Choice[]): Choice {
  const choice = choices.find((candidate) => candidate === value)
  if (choice === undefined) throw malformed(what, `none of ${choices.join(', ')}`)
  return choice
}

/** A link to any block. */
export function readLink(value: unknown, what: string): CID {
  // `instanceof`, not `CID.asCID`: a map with the keys of a CID would pass the latter, or crash it.
  if (!(value instanceof CID)) throw malformed(what, 'not a link')
  return decodeCid(value.bytes)
}

/** A list of at most `lengthMax` items. */
export function readListOf<Item>(value: unknown, what: string, lengthMax: number, read: (item: unknown) => Item): readonly Item[] {
  const list = readList(value, what)
  if (list.length > lengthMax) throw new ProtocolError({ code: 'TOO_LARGE', what: `length of ${what}`, value: list.length, max: lengthMax })
  return list.map(read)
}

/** A list of at most `lengthMax` different texts that `accepts` accepts. */
export function readTexts(value: unknown, what: string, lengthMax: number, accepts: (text: string) => boolean): readonly string[] {
  const texts = readListOf(value, what, lengthMax, (item) => readMatching(item, what, accepts))
  if (new Set(texts).size !== texts.length) throw malformed(what, 'the same text twice')
  return texts
}
