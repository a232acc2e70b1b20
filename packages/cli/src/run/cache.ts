import { Cache, CACHE_METRICS, CACHE_RULES, type CacheEvent } from '@cairn/cache'
import type { CommandHandler } from '../handlers.ts'
import { readInputFile } from '../input-file.ts'
import { announceListening, observe, untilStopped } from './daemon.ts'

/** Mirrors releases until it is told to stop. */
export const runCache: CommandHandler<'cache'> = async (options, io) => {
  const trustRoot = readInputFile(options.trust, '--trust')
  const observed = await observe<CacheEvent, typeof CACHE_METRICS>(io, CACHE_RULES, CACHE_METRICS, options.http)
  const { network, peers, store, region, capacityBytes, maxRate, ledgers, listen, mdns } = options
  await using cache = await Cache.start(
    {
      trustRoot,
      network,
      peers,
      storePath: store,
      region,
      listen,
      mdns,
      ...(ledgers.length === 0 ? {} : { ledgers }),
      ...(capacityBytes === undefined ? {} : { capacityBytes }),
      ...(maxRate === undefined ? {} : { bytesPerSecondMax: maxRate }),
    },
    { clock: io.clock, random: io.random, log: io.log, reporter: observed.reporter },
  )
  await using _server = await observed.serve(cache)
  announceListening(io, cache.addresses)
  await untilStopped(io.signal)
}
