import { existsSync } from 'node:fs'
import { createDialer, createLibp2pTransport } from '@cairn/network'
import {
  asideReason,
  burningReason,
  burnSeat,
  burntReason,
  damageReason,
  isStateMissing,
  readinessOf,
  readLedgerFile,
  readSeatIdentity,
  Replica,
  ReplicaError,
  seatDirectory,
  SeatKeys,
  setStateAside,
  startClientServer,
  stateIsBack,
} from '@cairn/replica'
import type { LedgerOptions } from '../commands/ledger.ts'
import { CliError, UsageError } from '../errors.ts'
import { EXIT } from '../exit-codes.ts'
import type { CommandIo } from '../io.ts'
import { announceListening, observe, type Observed, untilStopped } from './daemon.ts'
import { NextCommitteeWatch } from './next-committee-watch.ts'
import { type ObservedReplicaEvent, REPLICA_METRICS, REPLICA_RULES, replicaStatus } from './replica-observation.ts'

/** States set aside in one run: a disk that damages more of them needs a person. */
const ASIDE_MAX = 3

/** Why a seat ended: it was told to · its state is here again, and it can take its seat · its state is damaged. */
type End = 'stopped' | 'rebuilt' | ReplicaError

/** Runs one seat of the ledger in `directory` until it is told to stop, or its disk fails. */
export async function runSeat(directory: string, options: LedgerOptions, io: CommandIo): Promise<void> {
  const observed = await observe<ObservedReplicaEvent, typeof REPLICA_METRICS>(io, REPLICA_RULES, REPLICA_METRICS, options.http)
  for (let asideCount = 0; ;) {
    const end = await runOnce(directory, options, io, observed)
    if (end === 'stopped') return
    if (end === 'rebuilt') continue
    const reason = damageReason(end)
    if (reason === undefined || asideCount++ === ASIDE_MAX)
      throw new CliError(String(end), 'check the disk, then start the seat again', EXIT.storage)
    io.log.error('ledger-state-set-aside', { seat: options.seat, reason })
    await setStateAside(directory, options.seat, end)
  }
}

async function runOnce(
  directory: string,
  { seat, listen, peers, clientPort }: LedgerOptions,
  io: CommandIo,
  observed: Observed<ObservedReplicaEvent>,
): Promise<End> {
  const { ledger, genesis, signedOperations } = await readLedgerFile(directory)
  const home = seatDirectory(directory, seat)
  if (!existsSync(home))
    throw new UsageError(`${directory} has no seat-${seat}`, 'check --seat; `cairn ledger new-key` makes one that is to join')
  const identity = await readSeatIdentity(directory, seat)
  const { clock, random, log } = io
  const transport = await createLibp2pTransport({ privateKey: identity.privateKey, listen, clock, log })
  const ended = new AbortController()
  let end: End = 'stopped'
  const endFor = (why: End): void => {
    end = why
    ended.abort()
  }
  try {
    const { keys, replica: started } = await startSeat(directory, seat, io, async (signer, { silence, rebuilds = false }) => {
      return await Replica.start({
        directory: home,
        ledger,
        genesis,
        signer,
        ...(silence !== undefined && { silence }),
        rebuilds,
        signedOperations,
        transport,
        clock,
        observe(event) {
          observed.reporter.report(event)
          if (event.type === 'state-rebuilt') endFor('rebuilt')
        },
        onFailure: endFor,
      })
    })
    await using replica = started
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
    await untilStopped(AbortSignal.any([io.signal, ended.signal]))
  } catch (error) {
    if (!(error instanceof ReplicaError) || damageReason(error) === undefined) throw error
    end = error
  } finally {
    await transport.stop()
  }
  return end
}

/** A replica, and the keys that it may sign with. */
interface Started {
  readonly keys: SeatKeys
  readonly replica: Replica
}

/** How a replica is started: why it signs nothing, and whether that is until it has its state again. */
interface How {
  readonly silence?: string
  readonly rebuilds?: boolean
}

/**
 * Starts a seat; as one that signs nothing if it is not known any more what its key has signed, or while its state was set aside. `start` is told
 * why, and what to do about it.
 *
 * @throws as `start`, for all that does not burn the key
 */
async function startSeat(
  directory: string,
  seat: number,
  io: CommandIo,
  start: (keys: SeatKeys, how: How) => Promise<Replica>,
): Promise<Started> {
  const keys = await SeatKeys.open(directory, seat)
  const damage = await asideReason(directory, seat)
  if (!keys.isBurnt) {
    try {
      const replica = await start(keys, {})
      if (damage !== undefined) await stateIsBack(directory, seat)
      return { keys, replica }
    } catch (error) {
      if (damage !== undefined && isStateMissing(error)) {
        const silence = `${damage}. It fetches the state and signs nothing until it is there; what was damaged is kept as damaged.db`
        io.say({ type: 'learner', seat, reason: damage }, `seat ${seat}: ${silence}`)
        return { keys, replica: await start(keys, { silence, rebuilds: true }) }
      }
      const reason = burningReason(error)
      if (reason === undefined) throw error
      io.log.error('ledger-key-burnt', { seat, reason })
      await burnSeat(directory, seat, reason)
    }
  }
  return await startLearner(directory, seat, io, start)
}

async function startLearner(
  directory: string,
  seat: number,
  io: CommandIo,
  start: (keys: SeatKeys, how: How) => Promise<Replica>,
): Promise<Started> {
  const reason = (await burntReason(directory, seat)) ?? 'it has signed before, and its log is gone'
  const silence = `${reason}. It follows the ledger and signs nothing until it is given another key; a log that was damaged is kept as log.lost`
  io.say({ type: 'learner', seat, reason }, `seat ${seat}: ${silence}`)
  try {
    const keys = await SeatKeys.open(directory, seat)
    return { keys, replica: await start(keys, { silence }) }
  } catch (error) {
    if (burningReason(error) === undefined) throw error
    // A learner has said nothing, so nothing is lost with its log but what it can fetch again.
    await burnSeat(directory, seat, reason)
    const keys = await SeatKeys.open(directory, seat)
    return { keys, replica: await start(keys, { silence }) }
  }
}
