import { Origin, ORIGIN_METRICS, ORIGIN_RULES, type OriginEvent, Workspace } from '@cairn/origin'
import type { CommandHandler } from '../handlers.ts'
import { announceListening, observe, untilStopped } from './daemon.ts'

/** Serves a workspace until it is told to stop. */
export const runOrigin: CommandHandler<'origin'> = async (options, io) => {
  const workspace = await Workspace.open(options.workspace, io.clock)
  const observed = await observe<OriginEvent, typeof ORIGIN_METRICS>(io, ORIGIN_RULES, ORIGIN_METRICS, options.http)
  const { listen, peers, mdns } = options
  await using origin = await Origin.start(
    { workspace, listen, peers, mdns },
    { clock: io.clock, random: io.random, log: io.log, reporter: observed.reporter },
  )
  await using _server = await observed.serve(origin)
  announceListening(io, origin.addresses)
  await untilStopped(io.signal)
}
