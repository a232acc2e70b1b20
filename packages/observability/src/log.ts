import { type Clock, type Log, type LogFields, silentLog, systemClock } from '@cairn/runtime'
import pino, { type DestinationStream, type Logger } from 'pino'
import { ObservabilityError } from './errors.ts'
import { redact } from './redact.ts'

export const LOG_LEVELS = ['debug', 'info', 'warn', 'error', 'silent'] as const

/** The least serious kind of line that is written; `silent` writes none. */
export type LogLevel = (typeof LOG_LEVELS)[number]

export interface LogInit {
  readonly level: LogLevel
  /** `'stderr'` (the default), the path of a file to append to, or anything that takes whole lines. */
  readonly destination?: string | { write(line: string): void }
  /** Fields that every line carries. */
  readonly bindings?: LogFields
  readonly clock?: Clock
}

/**
 * A log of one JSON object a line: `level`, `time` (ISO 8601, UTC), `event`, then the fields.
 *
 * Lines are written before the call returns, so what led to a crash is there to read. A destination that stops
 * taking lines (a closed pipe, a full disk) loses them: a log never takes its process down.
 *
 * @throws {ObservabilityError} `LOG_UNWRITABLE` if the file cannot be opened
 */
export function createLog(init: LogInit): Log {
  if (init.level === 'silent') return silentLog
  const clock = init.clock ?? systemClock
  const logger = pino(
    {
      level: init.level,
      base: null,
      timestamp: () => `,"time":"${new Date(clock.now()).toISOString()}"`,
      formatters: { level: (label) => ({ level: label }) },
    },
    openDestination(init.destination ?? 'stderr'),
  )
  return new PinoLog(logger, redact(init.bindings ?? {}))
}

class PinoLog implements Log {
  readonly #logger: Logger
  readonly #bindings: LogFields

  constructor(logger: Logger, bindings: LogFields) {
    this.#logger = logger
    this.#bindings = bindings
  }

  debug(event: string, fields?: LogFields): void {
    this.#write('debug', event, fields)
  }

  info(event: string, fields?: LogFields): void {
    this.#write('info', event, fields)
  }

  warn(event: string, fields?: LogFields): void {
    this.#write('warn', event, fields)
  }

  error(event: string, fields?: LogFields): void {
    this.#write('error', event, fields)
  }

  child(fields: LogFields): Log {
    return new PinoLog(this.#logger, { ...this.#bindings, ...redact(fields) })
  }

  #write(level: 'debug' | 'info' | 'warn' | 'error', event: string, fields: LogFields = {}): void {
    if (!this.#logger.isLevelEnabled(level)) return
    // Merged here and not by pino's own children, which would write a name twice where a field repeats a binding.
    this.#logger[level]({ event, ...this.#bindings, ...redact(fields) })
  }
}

function openDestination(destination: NonNullable<LogInit['destination']>): DestinationStream {
  if (typeof destination !== 'string') return destination
  try {
    const stream = pino.destination({ dest: destination === 'stderr' ? 2 : destination, sync: true })
    stream.on('error', () => {})
    return stream
  } catch (error) {
    throw new ObservabilityError(
      { code: 'LOG_UNWRITABLE', path: destination, reason: error instanceof Error ? error.message : String(error) },
      { cause: error },
    )
  }
}
