import { UsageError } from './errors.ts'
import type { ValueParser } from './values/parser.ts'

/**
 * One option of a command, given by a flag or by position. Whatever was given arrives as texts, from the command line
 * or a configuration file alike, and leaves as a checked value.
 */
export type Field<T> = FlagField<T> | ArgumentField<T>

export interface FlagField<T> {
  readonly kind: 'flag'
  /** Without the dashes: `log-level`. */
  readonly long: string
  /** What stands for the value in the help, such as `FILE`; none for a switch. */
  readonly placeholder: string | undefined
  readonly help: string
  readonly repeatable: boolean
  /** @throws {UsageError} that names the flag, the value and what is accepted */
  read(given: readonly string[]): T
}

export interface ArgumentField<T> {
  readonly kind: 'argument'
  /** In upper case, as the help shows it. */
  readonly name: string
  readonly help: string
  readonly required: boolean
  readonly repeatable: boolean
  read(given: readonly string[]): T
}

/** A field for each member of a command's options. */
export type FieldTable<Options> = { readonly [Name in keyof Options]-?: Field<Options[Name]> }

/** `--long`: true if given. */
export function switchFlag(long: string, help: string): FlagField<boolean> {
  return { kind: 'flag', long, placeholder: undefined, help, repeatable: false, read: (given) => given.length > 0 }
}

export function requiredFlag<T>(long: string, placeholder: string, help: string, parser: ValueParser<T>): FlagField<T> {
  return {
    ...valueFlag(long, placeholder, `${help} (required)`),
    read: (given) => readLast(`--${long}`, given, parser) ?? missing(`--${long} ${placeholder}`, help),
  }
}

export function optionalFlag<T>(long: string, placeholder: string, help: string, parser: ValueParser<T>): FlagField<T | undefined> {
  return { ...valueFlag(long, placeholder, help), read: (given) => readLast(`--${long}`, given, parser) }
}

/** `fallback` is written as the flag's value would be, and shown in the help. */
export function defaultFlag<T>(long: string, placeholder: string, help: string, parser: ValueParser<T>, fallback: string): FlagField<T> {
  return {
    ...valueFlag(long, placeholder, `${help} (default: ${fallback})`),
    read: (given) => readOne(`--${long}`, given.at(-1) ?? fallback, parser),
  }
}

/** May be given any number of times; `fallback` is what none stands for. */
export function repeatedFlag<T>(
  long: string,
  placeholder: string,
  help: string,
  parser: ValueParser<T>,
  options: { readonly required?: boolean; readonly fallback?: readonly string[] } = {},
): FlagField<readonly T[]> {
  const notes = [options.required === true ? 'required' : '', 'repeatable', ...(options.fallback ?? []).map((value) => `default: ${value}`)]
  return {
    ...valueFlag(long, placeholder, `${help} (${notes.filter((note) => note !== '').join(', ')})`),
    repeatable: true,
    read(given) {
      if (given.length === 0 && options.required === true) return missing(`--${long} ${placeholder}`, help)
      const texts = given.length === 0 ? (options.fallback ?? []) : given
      return texts.map((text) => readOne(`--${long}`, text, parser))
    },
  }
}

export function requiredArgument<T>(name: string, help: string, parser: ValueParser<T>): ArgumentField<T> {
  return {
    kind: 'argument',
    name,
    help,
    required: true,
    repeatable: false,
    read: (given) => readLast(name, given, parser) ?? missing(name, help),
  }
}

export function optionalArgument<T>(name: string, help: string, parser: ValueParser<T>): ArgumentField<T | undefined> {
  return { kind: 'argument', name, help, required: false, repeatable: false, read: (given) => readLast(name, given, parser) }
}

/** One or more, at the end of the command line. */
export function repeatedArgument<T>(name: string, help: string, parser: ValueParser<T>): ArgumentField<readonly T[]> {
  return {
    kind: 'argument',
    name,
    help,
    required: true,
    repeatable: true,
    read: (given) => (given.length === 0 ? missing(name, help) : given.map((text) => readOne(name, text, parser))),
  }
}

function valueFlag(long: string, placeholder: string, help: string): Omit<FlagField<never>, 'read'> {
  return { kind: 'flag', long, placeholder, help, repeatable: false }
}

/** The last one counts, as shells' users expect when they append a flag to a command that they recalled. */
function readLast<T>(name: string, given: readonly string[], parser: ValueParser<T>): T | undefined {
  const text = given.at(-1)
  return text === undefined ? undefined : readOne(name, text, parser)
}

function readOne<T>(name: string, text: string, parser: ValueParser<T>): T {
  const value = parser.read(text)
  if (value === undefined) throw new UsageError(`${name} must be ${parser.accepts}, not "${text}"`)
  return value
}

function missing(name: string, help: string): never {
  throw new UsageError(`${name} is missing: ${help}`)
}
