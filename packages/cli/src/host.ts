import { type Clock, type Random, systemClock, systemRandom } from '@cairn/runtime'
import type { ExitCode } from './exit-codes.ts'
import type { TextStream } from './output/text-stream.ts'
import type { SignalSource } from './signals.ts'

/** The process that a command line runs in. */
export interface Host {
  readonly stdout: TextStream
  readonly stderr: TextStream
  readonly env: Readonly<Record<string, string | undefined>>
  readonly signals: SignalSource
  readonly clock: Clock
  readonly random: Random
  /** Calls `listener` with what nobody caught; returns a function that stops it. */
  onCrash(listener: (error: unknown) => void): () => void
  /** Ends the process at once. */
  exit(exitCode: ExitCode): void
}

export function processHost(): Host {
  return {
    stdout: process.stdout,
    stderr: process.stderr,
    env: process.env,
    signals: process,
    clock: systemClock,
    random: systemRandom,
    onCrash(listener) {
      // Rejections that nobody handles arrive here too: Node raises them as uncaught exceptions.
      process.on('uncaughtException', listener)
      return () => void process.off('uncaughtException', listener)
    },
    exit: (exitCode) => process.exit(exitCode),
  }
}
