import { CliError } from '../errors.ts'
import { EXIT } from '../exit-codes.ts'
import type { CommandHandlers } from '../handlers.ts'

/** Each command's work, loaded when it is asked for: help and a usage error cost no libp2p. */
export const handlers: CommandHandlers = {
  demo: unavailable,
  init: unavailable,
  publish: unavailable,
  origin: unavailable,
  cache: unavailable,
  join: unavailable,
  verify: unavailable,
  list: unavailable,
  show: unavailable,
  diff: unavailable,
  status: async (options, io) => (await import('./status.ts')).runStatus(options, io),
}

async function unavailable(): Promise<void> {
  throw new CliError('this command is not part of this build', undefined, EXIT.failed, { code: 'UNAVAILABLE' })
}
