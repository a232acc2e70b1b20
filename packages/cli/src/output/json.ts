/** One line of `--json` output: `type` says what it is. */
export interface JsonEvent {
  readonly type: string
}

/** `event` as one line of JSON; identifiers are to be given as text. */
export function jsonLine(event: JsonEvent): string {
  return `${JSON.stringify(event)}\n`
}
