import assert from 'node:assert/strict'
import { parentPort } from 'node:worker_threads'

/**
 * Makes this module the other end of a `WorkerThread`: every call is answered with what `handle` gives.
 *
 * A `handle` that throws ends the thread, and the caller hears of it; failures that have a meaning are replies.
 */
export function serveCalls(handle: (request: never) => unknown): void {
  assert(parentPort !== null, 'this module is run by a WorkerThread')
  const port = parentPort
  port.on('message', (message: { readonly request: never } | 'end') => {
    if (message === 'end') port.close()
    else port.postMessage(handle(message.request))
  })
}
