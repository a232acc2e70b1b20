const pending = new Set<() => void>()
let isListening = false

/**
 * Has `undo` run when this process ends, however it is told to; the returned function takes that back.
 * `undo` must be synchronous: nothing else runs any more.
 */
export function onExit(undo: () => void): () => void {
  listen()
  pending.add(undo)
  return () => void pending.delete(undo)
}

function listen(): void {
  if (isListening) return
  isListening = true
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => process.exit(1))
  process.once('exit', () => {
    // The last thing made depends on what was made before it.
    for (const undo of [...pending].toReversed()) {
      try {
        undo()
      } catch (error) {
        console.error(`left behind: ${String(error)}`)
      }
    }
  })
}
