import type { ReportedEvent } from '@cairn/observability'

/** One line of `--json` output: `type` says what it is. Identifiers are to be given as text. */
export type JsonEvent = ReportedEvent | { readonly type: string; readonly [member: string]: unknown }

export function jsonLine(event: JsonEvent): string {
  return `${JSON.stringify(event)}\n`
}
