import { createLog, type LogLevel, type ReportedEvent } from '@cairn/observability'
import type { Clock, Log, Random, Reporter } from '@cairn/runtime'
import { type JsonEvent, jsonLine } from './output/json.ts'
import { hiddenProgress, type Progress, TerminalProgress } from './output/progress.ts'
import type { StatusLine } from './output/status-line.ts'
import type { GuardedStream } from './output/text-stream.ts'

/** All that a command has of the world outside its own work. */
export interface CommandIo {
  /** Aborts when the process is told to stop; its reason is an {@link Interrupted}. */
  readonly signal: AbortSignal
  readonly clock: Clock
  readonly random: Random
  readonly env: Readonly<Record<string, string | undefined>>
  /** To stderr, one JSON object a line. */
  readonly log: Log
  /** On stderr, for people. */
  readonly progress: Progress
  readonly json: boolean
  /** A result, on stdout: `event` as a line of JSON with `--json`, else `text` (one or more lines, without the last line break). */
  say(event: JsonEvent, text: string): void
  /** Something only programs want: a line of JSON on stdout with `--json`, else nothing. */
  emit(event: JsonEvent): void
  /** Something only people want: a line on stderr, unless `--json` or `--quiet`. */
  note(text: string): void
}

export interface CommandIoInit {
  readonly json: boolean
  readonly quiet: boolean
  readonly logLevel: LogLevel
  readonly command: string
}

export interface CommandIoComponents {
  readonly stdout: GuardedStream
  readonly line: StatusLine
  readonly signal: AbortSignal
  readonly clock: Clock
  readonly random: Random
  readonly env: CommandIo['env']
}

export function createCommandIo(init: CommandIoInit, components: CommandIoComponents): CommandIo {
  const { stdout, line, signal, clock, random, env } = components
  const isQuiet = init.quiet || init.json
  const print = (text: string): void => line.around(() => stdout.write(text))
  return {
    signal,
    clock,
    random,
    env,
    json: init.json,
    log: createLog({ level: init.logLevel, destination: line, bindings: { command: init.command }, clock }),
    progress: isQuiet ? hiddenProgress : new TerminalProgress(line, clock),
    say: (event, text) => print(init.json ? jsonLine(event) : `${text}\n`),
    emit: (event) => {
      if (init.json) print(jsonLine(event))
    },
    note: (text) => {
      if (!isQuiet) line.write(`${text}\n`)
    },
  }
}

/** Passes a role's events on to programs that read `--json` output. */
export function jsonReporter<Event extends ReportedEvent>(io: CommandIo): Reporter<Event> {
  return { report: (event) => io.emit(event) }
}
