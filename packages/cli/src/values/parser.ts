/** Reads one kind of value from the text of a flag, an argument or a configuration file. */
export interface ValueParser<T> {
  /** Completes "… must be", with an example: `a size such as 20GiB, 512MiB or 10MB`. */
  readonly accepts: string
  /** The value, or `undefined` if `text` is not one. */
  read(text: string): T | undefined
}

/** One of a few words. */
export function oneOf<const T extends string>(...words: readonly T[]): ValueParser<T> {
  return { accepts: `one of ${words.join(', ')}`, read: (text) => words.find((word) => word === text) }
}

/** A path or a pattern: anything but nothing. `what` such as `a file` or `a pattern such as "*.idx"`. */
export function text(what: string): ValueParser<string> {
  return { accepts: what, read: (text) => (text === '' || text.includes('\0') ? undefined : text) }
}
