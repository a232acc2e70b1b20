import { EXIT, type ExitCode } from './exit-codes.ts'

/** A failure that already says what the person at the terminal needs: one sentence, and the next step. */
export class CliError extends Error {
  override readonly name: string = 'CliError'
  readonly hint: string | undefined
  readonly exitCode: ExitCode
  /** What `--json` calls it. */
  readonly code: string

  constructor(
    message: string,
    hint: string | undefined,
    exitCode: ExitCode,
    options?: { readonly code?: string; readonly cause?: unknown },
  ) {
    super(message, options)
    this.hint = hint
    this.exitCode = exitCode
    this.code = options?.code ?? 'FAILED'
  }
}

/** The command line, or a file that it names, is not as it must be. */
export class UsageError extends CliError {
  override readonly name = 'UsageError'

  constructor(message: string, hint?: string, options?: { readonly cause?: unknown }) {
    super(message, hint, EXIT.usage, { ...options, code: 'USAGE' })
  }
}

export type StopSignal = 'SIGINT' | 'SIGTERM'

/** The reason of the command's abort signal once the process was told to stop. */
export class Interrupted extends CliError {
  override readonly name = 'Interrupted'

  constructor(signal: StopSignal) {
    super(`stopped by ${signal}`, undefined, signal === 'SIGINT' ? EXIT.interrupted : EXIT.terminated, { code: 'INTERRUPTED' })
  }
}
