/** The receiving half of a channel: frames from a source to whoever waits for them, in order, until the end. */
export class Inbox {
  readonly #next: () => Uint8Array | undefined
  readonly #waiting: { readonly resolve: (frame: Uint8Array | undefined) => void; readonly reject: (reason: Error) => void }[] = []
  #end: { readonly error: Error | undefined } | undefined

  /** `next` takes the next frame that has arrived, or gives `undefined` when there is none yet. */
  constructor(next: () => Uint8Array | undefined) {
    this.#next = next
  }

  /** How many calls of {@link receive} wait. */
  get waitingCount(): number {
    return this.#waiting.length
  }

  receive(): Promise<Uint8Array | undefined> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ resolve, reject })
      this.deliver()
    })
  }

  /** Hands what has arrived to those who wait; called whenever the source may have more. */
  deliver(): void {
    while (this.#waiting.length > 0) {
      if (this.#end?.error !== undefined) {
        this.#waiting.shift()!.reject(this.#end.error)
        continue
      }
      const frame = this.#next()
      if (frame === undefined && this.#end === undefined) return
      // `next` may have failed the inbox, which has answered everyone.
      this.#waiting.shift()?.resolve(frame)
    }
  }

  /** No frame will follow those the source still holds. */
  end(): void {
    this.#end ??= { error: undefined }
    this.deliver()
  }

  /** Every pending and later {@link receive} rejects with `error`. Only the first failure counts. */
  fail(error: Error): void {
    if (this.#end?.error === undefined) this.#end = { error }
    this.deliver()
  }
}
