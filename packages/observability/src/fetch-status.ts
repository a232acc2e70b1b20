import { ObservabilityError } from './errors.ts'

export interface FetchStatusOptions {
  /** For the whole request. */
  readonly timeoutMs: number
  readonly signal?: AbortSignal
}

/** A status lists peers and snapshots by the hundred: far below this, which only keeps a wrong address from filling memory. */
export const STATUS_BYTES_MAX = 4 * 1024 * 1024

/**
 * The parsed JSON of `/status` of the daemon at `base`, such as `http://127.0.0.1:9000`. It is not validated here.
 *
 * @throws {ObservabilityError} `STATUS_UNREACHABLE` if nothing answers in time, `STATUS_UNREADABLE` if what answers is no daemon;
 *   the signal's reason if it aborts
 */
export async function fetchStatus(base: string, { timeoutMs, signal }: FetchStatusOptions): Promise<unknown> {
  const url = new URL('/status', base).href
  const timeout = AbortSignal.timeout(timeoutMs)
  try {
    const response = await fetch(url, {
      headers: { accept: 'application/json', connection: 'close' },
      redirect: 'error',
      signal: signal === undefined ? timeout : AbortSignal.any([signal, timeout]),
    })
    const text = await readText(response, url)
    if (!response.ok) throw new ObservabilityError({ code: 'STATUS_UNREADABLE', url, reason: `it answered ${response.status}` })
    return parse(text, url)
  } catch (error) {
    signal?.throwIfAborted()
    if (error instanceof ObservabilityError) throw error
    const reason = timeout.aborted ? `nothing within ${timeoutMs} ms` : causeOf(error)
    throw new ObservabilityError({ code: 'STATUS_UNREACHABLE', url, reason }, { cause: error })
  }
}

async function readText(response: Response, url: string): Promise<string> {
  const parts: Uint8Array[] = []
  let bytes = 0
  for await (const part of response.body ?? []) {
    bytes += part.byteLength
    if (bytes > STATUS_BYTES_MAX)
      throw new ObservabilityError({ code: 'STATUS_UNREADABLE', url, reason: `it is over ${STATUS_BYTES_MAX} bytes` })
    parts.push(part)
  }
  return Buffer.concat(parts).toString('utf8')
}

function parse(text: string, url: string): unknown {
  try {
    return JSON.parse(text)
  } catch (error) {
    throw new ObservabilityError({ code: 'STATUS_UNREADABLE', url, reason: 'it is not JSON' }, { cause: error })
  }
}

/** `fetch` says "fetch failed" and keeps what happened in the cause. */
function causeOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  if (!(error.cause instanceof Error)) return error.message
  const code = (error.cause as NodeJS.ErrnoException).code
  return code === 'ECONNREFUSED' ? 'nothing listens there' : error.cause.message || (code ?? error.message)
}
