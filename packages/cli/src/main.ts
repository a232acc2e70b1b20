import { inspect } from 'node:util'
import { type CommandLine, parseCommandLine } from './command-line.ts'
import type { Invocation } from './define-command.ts'
import { CliError, Interrupted } from './errors.ts'
import { EXIT, type ExitCode } from './exit-codes.ts'
import { explain } from './explain.ts'
import type { CommandHandlers } from './handlers.ts'
import { type Host, processHost } from './host.ts'
import { createCommandIo } from './io.ts'
import { jsonLine } from './output/json.ts'
import { StatusLine } from './output/status-line.ts'
import { GuardedStream } from './output/text-stream.ts'
import { handlers as commandHandlers } from './run/index.ts'
import { StopSignals } from './signals.ts'

/**
 * Runs one command line, without the program's own name, and resolves with the exit code once everything has stopped.
 * Never rejects: whatever goes wrong is explained on stderr, and on stdout as well with `--json`.
 */
export async function main(
  argv: readonly string[],
  host: Host = processHost(),
  handlers: CommandHandlers = commandHandlers,
): Promise<ExitCode> {
  const terminal = openTerminal(host)
  let commandLine: CommandLine
  try {
    commandLine = await parseCommandLine(argv, { helpWidth: Math.min(host.stdout.columns ?? 100, 120) })
  } catch (error) {
    return reportFailure(error, terminal, { json: argv.includes('--json'), debug: isDebugging(host) })
  }
  if (commandLine.type === 'text') {
    terminal.stdout.write(commandLine.text)
    return EXIT.done
  }
  return await runInvocation(commandLine.invocation, host, terminal, handlers)
}

interface Terminal {
  readonly stdout: GuardedStream
  readonly line: StatusLine
}

function openTerminal(host: Host): Terminal {
  const stderr = new GuardedStream(host.stderr)
  // Nothing is ever coloured, so NO_COLOR has nothing to ask for; a dumb terminal cannot take a line back.
  const canRedraw = stderr.isTTY && host.env['TERM'] !== 'dumb'
  return { stdout: new GuardedStream(host.stdout), line: new StatusLine(stderr, canRedraw) }
}

async function runInvocation(invocation: Invocation, host: Host, terminal: Terminal, handlers: CommandHandlers): Promise<ExitCode> {
  const { clock, random, env } = host
  const report = { json: invocation.common.json, debug: isDebugging(host) }
  using signals = new StopSignals({
    source: host.signals,
    clock,
    exit: (exitCode) => host.exit(exitCode),
    warn: (sentence) => terminal.line.write(`cairn: ${sentence}\n`),
  })
  const stopWatching = host.onCrash((error) => {
    terminal.line.show('')
    host.exit(reportFailure(error, terminal, report))
  })
  const { command, logLevel } = invocation
  const { json, quiet } = invocation.common
  const io = createCommandIo({ json, quiet, logLevel, command }, { ...terminal, signal: signals.signal, clock, random, env })
  try {
    await invocation.run(handlers, io)
    io.progress.clear()
    if (terminal.stdout.fault !== undefined) throw unwritable(terminal.stdout.fault)
    return EXIT.done
  } catch (thrown) {
    io.progress.clear()
    const error = isConsequence(thrown, signals.signal) ? (signals.signal.reason as unknown) : thrown
    // Being told to stop is how a daemon ends, also while it was still starting.
    if (error instanceof Interrupted && invocation.runsUntilStopped) return EXIT.done
    return reportFailure(error, terminal, report)
  } finally {
    stopWatching()
  }
}

/** Whether `error` only says in a library's words that `signal` aborted. */
function isConsequence(error: unknown, signal: AbortSignal): boolean {
  return signal.aborted && error instanceof Error && (error.name === 'AbortError' || explain(error).code === 'STOPPED')
}

function reportFailure(error: unknown, { stdout, line }: Terminal, options: { readonly json: boolean; readonly debug: boolean }): ExitCode {
  const { code, message, hint, exitCode } = explain(error)
  if (options.json) stdout.write(jsonLine({ type: 'error', code, message, hint: hint ?? null, exitCode }))
  line.write(`cairn: ${message}\n`)
  if (hint !== undefined) line.write(`hint: ${hint}\n`)
  if (options.debug) line.write(`${inspect(error)}\n`)
  return exitCode
}

function unwritable(fault: Error): CliError {
  return new CliError(`cannot write to standard output: ${fault.message}`, undefined, EXIT.failed, { code: 'OUTPUT_FAILED', cause: fault })
}

function isDebugging(host: Host): boolean {
  return host.env['CAIRN_DEBUG'] === '1'
}
