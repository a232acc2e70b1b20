import { encodeLogRecord, type LogRecord } from '@cairn/ledger'
import type { ReplicaLog } from './log/log.ts'

/** Hands records to the log, and tells which of their tokens are durable: in order, so a token says that all before it are too. */
export class LogQueue {
  readonly #log: ReplicaLog
  readonly #onDurable: (token: number) => void
  #durable: Promise<void> = Promise.resolve()

  constructor(log: ReplicaLog, onDurable: (token: number) => void) {
    this.#log = log
    this.#onDurable = onDurable
  }

  append(records: readonly LogRecord[], token: number): void {
    // Other seats' words can be had from them again: only what this seat says itself, or holds for others, must be on disk soon.
    const isLazy = records.length > 0 && records.every(({ type }) => type === 'certificate')
    const entries = records.map(encodeLogRecord)
    const appended = isLazy ? this.#log.appendLazily(...entries) : this.#log.append(...entries)
    this.#durable = Promise.all([this.#durable, appended]).then(() => this.#onDurable(token))
    // The log has told of its failure.
    this.#durable.catch(() => undefined)
  }

  /** Waits for what was appended, and that it was told of. @throws {ReplicaError} as the log */
  async settled(): Promise<void> {
    await this.#durable
  }
}
