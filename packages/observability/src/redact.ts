import type { LogFields } from '@cairn/runtime'

type LogValue = LogFields[string]

/** A peer can put text of its choice into a reason or a name: 2 KiB of it is enough to diagnose, and keeps a line readable. */
export const LOG_VALUE_CHARS_MAX = 2048

/** Lists in a log line are for a handful of names; a whole peer table belongs in the status. */
export const LOG_LIST_ITEMS_MAX = 64

/** What stands where a secret would have been. */
export const REDACTED = '[redacted]'

// `publicKey` and `keyId` identify a key without giving it away, so "key" alone is not a secret's name.
const SECRET_NAME = /secret|private|passw|passphrase|mnemonic|token|authorization|credential/i
const SECRET_VALUE = /-----BEGIN [A-Z ]*PRIVATE KEY-----/

/** The line's own names: a field that used one would give the JSON object a key twice. */
const RESERVED = new Set(['time', 'level', 'event'])

/**
 * The fields as they may be written: secrets blanked by name and by content, long values cut,
 * reserved names given a trailing `_`, `undefined` left out.
 */
export function redact(fields: LogFields): LogFields {
  const safe: Record<string, LogValue> = {}
  for (const [name, value] of Object.entries(fields)) {
    if (value === undefined) continue
    safe[RESERVED.has(name) ? `${name}_` : name] = SECRET_NAME.test(name) ? REDACTED : redactValue(value)
  }
  return safe
}

function redactValue(value: Exclude<LogValue, undefined>): LogValue {
  if (typeof value === 'string') return redactText(value)
  if (value === null || typeof value !== 'object') return value
  const kept = value.slice(0, LOG_LIST_ITEMS_MAX).map(redactText)
  return value.length > kept.length ? [...kept, `… ${value.length - kept.length} more`] : kept
}

function redactText(text: string): string {
  if (SECRET_VALUE.test(text)) return REDACTED
  return text.length > LOG_VALUE_CHARS_MAX ? `${text.slice(0, LOG_VALUE_CHARS_MAX)}…` : text
}
