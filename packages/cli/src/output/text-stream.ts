/** The part of a process stream that output needs. */
export interface TextStream {
  write(text: string): unknown
  on(event: 'error', listener: (error: NodeJS.ErrnoException) => void): unknown
  readonly isTTY?: boolean
  /** Width of the terminal, in characters. */
  readonly columns?: number
}

/**
 * A stream that is written to until whoever reads it has gone: a closed pipe (`cairn list | head -1`) drops the rest in silence.
 * Anything else that goes wrong, such as a full disk behind `>`, is kept in `fault`.
 */
export class GuardedStream {
  readonly #stream: TextStream
  #closed = false
  #fault: Error | undefined

  constructor(stream: TextStream) {
    this.#stream = stream
    stream.on('error', (error) => {
      this.#closed = true
      if (error.code !== 'EPIPE' && error.code !== 'ERR_STREAM_DESTROYED') this.#fault ??= error
    })
  }

  get isTTY(): boolean {
    return this.#stream.isTTY === true
  }

  get columns(): number | undefined {
    return this.#stream.columns
  }

  /** Why something written was lost, unless nobody was there to read it. */
  get fault(): Error | undefined {
    return this.#fault
  }

  write(text: string): void {
    if (!this.#closed) this.#stream.write(text)
  }
}
