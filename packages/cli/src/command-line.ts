import { Command, CommanderError } from 'commander'
import { COMMANDS } from './commands/index.ts'
import type { Invocation } from './define-command.ts'
import { UsageError } from './errors.ts'
import { packageVersion } from './version.ts'

/** What a command line asks for. */
export type CommandLine =
  | { readonly type: 'invocation'; readonly invocation: Invocation }
  /** Help or the version, to be printed. */
  | { readonly type: 'text'; readonly text: string }

/** `helpWidth`: characters a line of help may have. */
export interface CommandLineOptions {
  readonly helpWidth: number
}

/**
 * Reads a command line, without the program's own name, and the configuration file that it names.
 *
 * @throws {UsageError} with a hint at what would be accepted
 */
export async function parseCommandLine(argv: readonly string[], options: CommandLineOptions): Promise<CommandLine> {
  let text = ''
  let invocation: Invocation | undefined
  const program = createProgram({ ...options, write: (part) => (text += part) }, (chosen) => (invocation = chosen))
  try {
    await program.parseAsync(argv, { from: 'user' })
  } catch (error) {
    if (error instanceof UsageError) throw withHint(error, argv)
    if (!(error instanceof CommanderError)) throw error
    if (error.exitCode === 0) return { type: 'text', text }
    throw error.code === 'commander.help' ? new UsageError('no command was given', HELP_HINT) : usageError(error, argv)
  }
  return invocation === undefined ? { type: 'text', text } : { type: 'invocation', invocation }
}

const HELP_HINT = 'cairn --help lists the commands'

function createProgram(
  output: CommandLineOptions & { readonly write: (text: string) => void },
  choose: (invocation: Invocation) => void,
): Command {
  const program = new Command('cairn')
    .description('Distributes signed, verified snapshots of a ledger between peers.')
    .version(packageVersion(), '-V, --version', 'show the version')
    .helpOption('-h, --help', 'show this help')
    .helpCommand('help [COMMAND]', 'show the help of a command')
    .addHelpText('after', '\nExit codes: 0 done, 1 failed, 2 usage, 3 verification failed, 4 no usable source, 5 storage.')
    .exitOverride()
    .configureOutput({
      writeOut: output.write,
      // Errors are worded in one place for all commands, from what is thrown.
      writeErr: () => {},
      getOutHelpWidth: () => output.helpWidth,
      getErrHelpWidth: () => output.helpWidth,
    })
    .configureHelp({ subcommandTerm: (command) => command.name() })
  for (const command of COMMANDS) command.register(program, choose)
  return program
}

/** Commander's `error: unknown option '--pear'\n(Did you mean --peer?)` as a sentence and a hint. */
function usageError(error: CommanderError, argv: readonly string[]): UsageError {
  const [sentence = error.message, suggestion] = error.message.replace(/^error: /, '').split('\n')
  const guess = /^\((.*)\)$/.exec(suggestion ?? '')?.[1]
  const message = sentence.replace(/\.$/, '')
  return new UsageError(message, guess === undefined ? helpHint(argv) : `${guess.charAt(0).toLowerCase()}${guess.slice(1)}`, {
    cause: error,
  })
}

function withHint(error: UsageError, argv: readonly string[]): UsageError {
  return error.hint === undefined ? new UsageError(error.message, helpHint(argv), { cause: error }) : error
}

function helpHint(argv: readonly string[]): string {
  const command = COMMANDS.find(({ name }) => name === argv[0])
  return command === undefined ? HELP_HINT : `cairn ${command.name} --help shows what it takes`
}
