import { closeSync, openSync, writeSync } from 'node:fs'

/** Bytes of lines kept before they are written: a trace is many short lines. */
const BUFFER_CHARS = 64 * 1024

/** A file that a trace is written to, line by line, replacing what it held. */
export class TraceFile implements Disposable {
  readonly #descriptor: number
  #pending = ''

  constructor(path: string) {
    this.#descriptor = openSync(path, 'w')
  }

  write(line: string): void {
    this.#pending += `${line}\n`
    if (this.#pending.length >= BUFFER_CHARS) this.#flush()
  }

  [Symbol.dispose](): void {
    this.#flush()
    closeSync(this.#descriptor)
  }

  #flush(): void {
    writeSync(this.#descriptor, this.#pending)
    this.#pending = ''
  }
}
