import type { GuardedStream } from './text-stream.ts'

const ERASE_LINE = '\r\u001B[2K'

/**
 * The last line of a terminal, kept below whatever else is written: it is taken away before other text and drawn again after it.
 * On anything but a terminal there is no such line and text passes through.
 */
export class StatusLine {
  readonly #stream: GuardedStream
  readonly #isTerminal: boolean
  #line = ''

  /** `isTerminal`: whether the stream can redraw a line. */
  constructor(stream: GuardedStream, isTerminal: boolean) {
    this.#stream = stream
    this.#isTerminal = isTerminal
  }

  get isTerminal(): boolean {
    return this.#isTerminal
  }

  /** Characters that fit on the line: one less than the terminal has, as the last column wraps on some. */
  get width(): number {
    return Math.max(20, (this.#stream.columns ?? 80) - 1)
  }

  /** Shows `line`, at most {@link width} characters of it, in place of what was shown; the empty line takes it away. */
  show(line: string): void {
    if (!this.#isTerminal || line === this.#line) return
    this.#stream.write(ERASE_LINE + line)
    this.#line = line
  }

  /** Writes whole lines above the status line. */
  write(text: string): void {
    this.around(() => this.#stream.write(text))
  }

  /** Runs `write`, which may write to any stream of the same terminal, with the status line out of the way. */
  around(write: () => void): void {
    if (this.#line === '') {
      write()
      return
    }
    this.#stream.write(ERASE_LINE)
    write()
    this.#stream.write(this.#line)
  }
}
