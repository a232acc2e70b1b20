import { Argument, type Command, Option } from 'commander'
import type { LogLevel } from '@cairn/observability'
import { readConfigFile } from './config-file.ts'
import { UsageError } from './errors.ts'
import type { ArgumentField, Field, FieldTable, FlagField } from './field.ts'
import type { CommandHandlers, CommandName, OptionsByCommand } from './handlers.ts'
import type { CommandIo } from './io.ts'
import { COMMON_FIELDS, type CommonOptions } from './options.ts'

/** A command as its users see it; what it does is the handler of the same name. */
export interface CommandDefinition<Name extends CommandName> {
  readonly name: Name
  readonly summary: string
  readonly fields: FieldTable<OptionsByCommand[Name]>
  /** What is wrong with the options taken together, if anything. */
  readonly check?: (options: OptionsByCommand[Name]) => string | undefined
  /** Whether it runs until it is told to stop, so that being told to is success. */
  readonly runsUntilStopped?: (options: OptionsByCommand[Name]) => boolean
  /** Where `--log-level` is not given. */
  readonly logLevel: LogLevel
  readonly examples: readonly { readonly line: string; readonly does: string }[]
}

/** A command line that was understood. */
export interface Invocation {
  readonly command: CommandName
  readonly common: CommonOptions
  readonly logLevel: LogLevel
  readonly runsUntilStopped: boolean
  run(handlers: CommandHandlers, io: CommandIo): Promise<void>
}

/** A command that can be added to a program; `choose` hears of the invocation once the program has parsed one. */
export interface RegisteredCommand {
  readonly name: CommandName
  register(program: Command, choose: (invocation: Invocation) => void): void
}

/** Binds a definition to the handler of its name. */
export function defineCommand<Name extends CommandName>(definition: CommandDefinition<Name>): RegisteredCommand {
  return {
    name: definition.name,
    register(program, choose) {
      const command = describeCommand(program, definition)
      command.action(() => choose(invocation(command, definition)))
    },
  }
}

function invocation<Name extends CommandName>(command: Command, definition: CommandDefinition<Name>): Invocation {
  const given = collectGiven(command, [...fieldsOf(definition.fields), ...fieldsOf(COMMON_FIELDS)])
  const common = readFields(COMMON_FIELDS, given)
  const options = readFields(definition.fields, given)
  const problem = definition.check?.(options)
  if (problem !== undefined) throw new UsageError(problem)
  return {
    command: definition.name,
    common,
    logLevel: common.logLevel ?? definition.logLevel,
    runsUntilStopped: definition.runsUntilStopped?.(options) ?? false,
    run: (handlers, io) => handlers[definition.name](options, io),
  }
}

function describeCommand<Name extends CommandName>(program: Command, definition: CommandDefinition<Name>): Command {
  const command = program.command(definition.name).summary(definition.summary).description(sentence(definition.summary))
  command.usage(usage(fieldsOf(definition.fields)))
  for (const field of fieldsOf(definition.fields)) {
    if (field.kind === 'flag') command.addOption(option(field))
    else command.addArgument(argument(field))
  }
  for (const field of fieldsOf(COMMON_FIELDS)) if (field.kind === 'flag') command.addOption(option(field).helpGroup('Common options:'))
  command.helpOption('-h, --help', 'show this help').addHelpText('after', () => examplesText(definition.examples))
  return command
}

function option(field: FlagField<unknown>): Option {
  const described = new Option(field.placeholder === undefined ? `--${field.long}` : `--${field.long} <${field.placeholder}>`, field.help)
  // Every flag is kept as the list of what was given: checking waits until the configuration file had its say.
  return field.placeholder === undefined
    ? described
    : described.argParser<readonly string[] | undefined>((value, given) => [...(given ?? []), value])
}

function argument(field: ArgumentField<unknown>): Argument {
  const described = new Argument(field.repeatable ? `<${field.name}...>` : `<${field.name}>`, field.help)
  // Optional to the parser, so that a missing one is explained like a missing flag.
  return described.argOptional()
}

function usage(fields: readonly Field<unknown>[]): string {
  const names = fields
    .filter((field) => field.kind === 'argument')
    .map(({ name, required, repeatable }) => (required ? name : `[${name}]`) + (repeatable ? '...' : ''))
  return [...names, '[options]'].join(' ')
}

type Given = ReadonlyMap<Field<unknown>, readonly string[]>

/** The texts given for each field; a flag on the command line replaces what the configuration file says of it. */
function collectGiven(command: Command, fields: readonly Field<unknown>[]): Given {
  const given = new Map<Field<unknown>, readonly string[]>()
  const flags = fields.filter((field) => field.kind === 'flag')
  for (const flag of flags) given.set(flag, flagTexts(command, flag))
  fields
    .filter((field) => field.kind === 'argument')
    .forEach((argument, index) =>
      given.set(argument, argument.repeatable ? command.args.slice(index) : command.args.slice(index, index + 1)),
    )

  const configPath = COMMON_FIELDS.config.read(given.get(COMMON_FIELDS.config) ?? [])
  if (configPath === undefined) return given
  const configured = readConfigFile(
    configPath,
    flags.filter((flag) => flag !== COMMON_FIELDS.config),
  )
  for (const flag of flags) if ((given.get(flag) ?? []).length === 0) given.set(flag, configured.get(flag.long) ?? [])
  return given
}

function flagTexts(command: Command, flag: FlagField<unknown>): readonly string[] {
  const attribute = command.options.find(({ long }) => long === `--${flag.long}`)?.attributeName()
  const value: unknown = attribute === undefined ? undefined : command.getOptionValue(attribute)
  if (value === undefined) return []
  return value === true ? ['true'] : (value as readonly string[])
}

function readFields<Options>(fields: FieldTable<Options>, given: Given): Options {
  const entries = Object.entries<Field<unknown>>(fields)
  return Object.fromEntries(entries.map(([name, field]) => [name, field.read(given.get(field) ?? [])])) as Options
}

function fieldsOf<Options>(fields: FieldTable<Options>): readonly Field<unknown>[] {
  return Object.values(fields)
}

function sentence(summary: string): string {
  return `${summary.charAt(0).toUpperCase()}${summary.slice(1)}.`
}

function examplesText(examples: CommandDefinition<CommandName>['examples']): string {
  return `\nExamples:\n${examples.map(({ line, does }) => `  ${line}\n      ${does}\n`).join('')}`
}
