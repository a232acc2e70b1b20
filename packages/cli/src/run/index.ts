import type { CommandHandlers } from '../handlers.ts'

/** Each command's work, loaded when it is asked for: help and a usage error cost no libp2p. */
export const handlers: CommandHandlers = {
  demo: async (options, io) => (await import('./demo.ts')).runDemo(options, io),
  init: async (options, io) => (await import('./init.ts')).runInit(options, io),
  publish: async (options, io) => (await import('./publish.ts')).runPublish(options, io),
  origin: async (options, io) => (await import('./origin.ts')).runOrigin(options, io),
  cache: async (options, io) => (await import('./cache.ts')).runCache(options, io),
  join: async (options, io) => (await import('./join.ts')).runJoin(options, io),
  verify: async (options, io) => (await import('./verify.ts')).runVerify(options, io),
  rollback: async (options, io) => (await import('./rollback.ts')).runRollback(options, io),
  list: async (options, io) => (await import('./list.ts')).runList(options, io),
  show: async (options, io) => (await import('./show.ts')).runShow(options, io),
  diff: async (options, io) => (await import('./diff.ts')).runDiff(options, io),
  replay: async (options, io) => (await import('./replay.ts')).runReplay(options, io),
  ledger: async (options, io) => (await import('./ledger.ts')).runLedger(options, io),
  simulate: async (options, io) => (await import('./simulate.ts')).runSimulate(options, io),
  status: async (options, io) => (await import('./status.ts')).runStatus(options, io),
}
