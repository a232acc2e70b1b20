import { existsSync } from 'node:fs'
import { createDialer, createLibp2pTransport } from '@cairn/network'
import { readinessOf, readLedgerFile, readSeatIdentity, Replica, seatDirectory, SeatKeys, startClientServer } from '@cairn/replica'
import type { LedgerOptions } from '../commands/ledger.ts'
import { CliError, UsageError } from '../errors.ts'
import { EXIT } from '../exit-codes.ts'
import type { CommandIo } from '../io.ts'
import { announceListening, observe, untilStopped } from './daemon.ts'
import { NextCommitteeWatch } from './next-committee-watch.ts'
import { type ObservedReplicaEvent, REPLICA_METRICS, REPLICA_RULES, replicaStatus } from './replica-observation.ts'

/** Runs one seat of the ledger in `directory` until it is told to stop, or its disk fails. */
export async function runSeat(directory: string, { seat, listen, peers, clientPort, http }: LedgerOptions, io: CommandIo): Promise<void> {
  const { ledger, genesis, signedOperations } = await readLedgerFile(directory)
  const home = seatDirectory(directory, seat)
  if (!existsSync(home))
    throw new UsageError(`${directory} has no seat-${seat}`, 'check --seat; `cairn ledger new-key` makes one that is to join')
  const identity = await readSeatIdentity(directory, seat)
  const keys = await SeatKeys.open(directory, seat)
  if (keys.isBurnt) {
    io.say(
      { type: 'learner', seat },
      `seat ${seat} has signed before and its log is gone: it follows, and signs nothing until its key is replaced`,
    )
  }
  const { clock, random, log } = io
  const observed = await observe<ObservedReplicaEvent, typeof REPLICA_METRICS>(io, REPLICA_RULES, REPLICA_METRICS, http)
  const transport = await createLibp2pTransport({ privateKey: identity.privateKey, listen, clock, log })
  const failed = new AbortController()
  try {
    await using replica = await Replica.start({
      directory: home,
      ledger,
      genesis,
      signer: keys,
      signedOperations,
      transport,
      clock,
      observe: (event) => observed.reporter.report(event),
      onFailure: (error) => failed.abort(error),
    })
    const dialer = createDialer({ transport, addresses: peers, clock, random, reporter: { report: () => undefined } })
    await using _dialing = { [Symbol.asyncDispose]: () => dialer.stop() }
    await using server = await startClientServer({ replica, host: '127.0.0.1', port: clientPort })
    await using _status = await observed.serve({
      ready: () => readinessOf(replica.load),
      status: () =>
        replicaStatus(replica.load, {
          peer: transport.self,
          addresses: transport.addresses(),
          connected: transport.peers(),
          chain: `${ledger.networkId}/${ledger.chainId}`,
        }),
      beforeMetrics: () => observed.reporter.report({ type: 'ledger-load', load: replica.load }),
    })
    announceListening(io, transport.addresses())
    io.say({ type: 'clients', url: server.url }, `clients ${server.url}`)
    using watch = new NextCommitteeWatch(directory, replica, keys, io)
    await watch.start()
    await untilStopped(AbortSignal.any([io.signal, failed.signal]))
  } finally {
    await transport.stop()
  }
  if (failed.signal.aborted) throw new CliError(String(failed.signal.reason), 'check the disk, then start the seat again', EXIT.storage)
}
