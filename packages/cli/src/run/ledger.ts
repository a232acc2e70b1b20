import { randomBytes } from 'node:crypto'
import { ed25519Signer, ed25519Verifier, encodeOperation, followChain, LedgerError } from '@cairn/ledger'
import {
  createLedgerDirectory,
  createSeatKey,
  LedgerClient,
  type LedgerFile,
  ReplicaError,
  seatDirectory,
  type StatusResponse,
} from '@cairn/replica'
import type { LedgerOptions } from '../commands/ledger.ts'
import { CliError } from '../errors.ts'
import { EXIT, type ExitCode } from '../exit-codes.ts'
import type { CommandHandler } from '../handlers.ts'
import type { CommandIo } from '../io.ts'
import { formatDuration } from '../output/format.ts'
import { readTrustRoot } from '../trust-root.ts'
import { reconfigure } from './ledger-reconfigure.ts'
import { runSeat } from './ledger-seat.ts'

/** Heights for which an operation stays good: minutes of a busy ledger. */
const LIFETIME_HEIGHTS = 10_000

const UNREACHED_HINT = 'check the URL and that the seat runs'

export const runLedger: CommandHandler<'ledger'> = async (options, io) => {
  try {
    await act(options, io)
  } catch (error) {
    throw explainedError(error, options)
  }
}

function explainedError(error: unknown, { action, values, timeoutMs }: LedgerOptions): unknown {
  if (error instanceof LedgerError)
    return explained(error, error.fault.code, EXIT.verification, 'nothing of it was believed; ask another replica')
  if (error instanceof Error && error.name === 'TimeoutError') {
    const hint = action === 'submit' ? 'it may become final all the same: read it before you submit it again' : UNREACHED_HINT
    return new CliError(`no answer from ${values[0]} within ${formatDuration(timeoutMs)}`, hint, EXIT.noSource, {
      code: 'TIMED_OUT',
      cause: error,
    })
  }
  // What `fetch` throws when nobody listens.
  if (error instanceof TypeError && error.cause instanceof Error)
    return new CliError(`no replica answers: ${error.cause.message}`, UNREACHED_HINT, EXIT.noSource, { code: 'NO_REPLICA', cause: error })
  if (!(error instanceof ReplicaError)) return error
  if (error.fault.code !== 'REFUSED') return explained(error, error.fault.code, EXIT.storage, undefined)
  return error.fault.status === 503
    ? explained(error, 'REFUSED', EXIT.noSource, 'ask another replica, or read with --level local')
    : explained(error, 'REFUSED', EXIT.failed, undefined)
}

function explained(error: Error, code: string, exitCode: ExitCode, hint: string | undefined): CliError {
  return new CliError(error.message, hint, exitCode, { code, cause: error })
}

async function act(options: LedgerOptions, io: CommandIo): Promise<void> {
  const [target = '', key = ''] = options.values
  switch (options.action) {
    case 'init': {
      const { genesis, ledger } = await makeLedger(target, options, io)
      const { n } = genesis.size
      return io.say(
        { type: 'ledger', directory: target, seats: n, networkId: ledger.networkId },
        `made a ledger of ${n} ${n === 1 ? 'seat' : 'seats'} in ${target}`,
      )
    }
    case 'run':
      return await runSeat(target, options, io)
    case 'submit':
      return await submit(options, io)
    case 'read': {
      const { level, value, height, stateRoot } = await new LedgerClient(target).read(Buffer.from(key), limit(options, io), options.level)
      const text = value === undefined ? undefined : Buffer.from(value).toString('utf8')
      io.say({ type: 'read', key, value: text ?? null, level, height, stateRoot }, text ?? 'nothing')
      return io.note(`${level}, at height ${height}; the proof is good under state root ${stateRoot}`)
    }
    case 'status': {
      const status = await new LedgerClient(target).status(limit(options, io))
      return io.say(
        { ...status, type: 'ledger-status', url: target },
        `height ${status.height}, epoch ${status.epoch}, slot ${status.slot}, checkpoint ${status.checkpointHeight ?? 'none yet'}; ${membership(status)}`,
      )
    }
    case 'verify-checkpoint':
      return await verifyCheckpoint(target, options, io)
    case 'new-key': {
      const { peer, publicKey } = await createSeatKey(target, options.seat)
      const key = Buffer.from(publicKey).toString('hex')
      io.say({ type: 'seat-key', seat: options.seat, peer, publicKey: key }, `${peer}/${key}`)
      return io.note(`made a key in ${seatDirectory(target, options.seat)}; it signs when a committee has a seat for it`)
    }
    case 'reconfigure':
      return await reconfigure(target, key, options, limit(options, io), io)
    default:
      options.action satisfies never
  }
}

async function makeLedger(directory: string, { preset, unsigned }: LedgerOptions, io: CommandIo): Promise<LedgerFile> {
  try {
    return await createLedgerDirectory(directory, preset ?? 'single', io.clock.now(), !unsigned)
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error
    throw new CliError(`${directory} holds a ledger, or a part of one`, 'name another directory', EXIT.storage, {
      code: 'LEDGER_EXISTS',
      cause: error,
    })
  }
}

async function submit(options: LedgerOptions, io: CommandIo): Promise<void> {
  const [url = '', key = '', value = ''] = options.values
  const client = new LedgerClient(url)
  const signal = limit(options, io)
  const [status, ledger] = [await client.status(signal), await client.ledger(signal)]
  const signer = ed25519Signer(randomBytes(32))
  const action = { type: 'put', key: Buffer.from(key), value: Buffer.from(value) } as const
  const operation = { client: signer.publicKey, nonce: randomBytes(16), lastHeight: status.height + LIFETIME_HEIGHTS, action }
  const outcome = await client.submit(encodeOperation(ledger, operation, signer), signal)
  if (outcome.type !== 'final')
    throw new CliError(
      `the operation is ${outcome.type}${'reason' in outcome ? `: ${outcome.reason}` : ''}`,
      'submit it again',
      EXIT.failed,
    )
  const height = 'height' in outcome.result ? outcome.result.height : status.height
  io.say({ type: 'submitted', result: outcome.result.type, height }, `${outcome.result.type} at height ${height}`)
}

function membership({ seat, removedAfter, wanted, epoch }: StatusResponse): string {
  const what =
    seat !== null
      ? `seat ${seat}`
      : removedAfter !== null
        ? `no seat: removed after epoch ${removedAfter}, signs nothing`
        : 'no seat: follows, signs nothing'
  return wanted === null ? what : `${what}; committee ${wanted} is wanted after epoch ${epoch}`
}

async function verifyCheckpoint(url: string, options: LedgerOptions, io: CommandIo): Promise<void> {
  const root = readTrustRoot(options.trust ?? '')
  const proof = await new LedgerClient(url).lightProof(limit(options, io))
  const { checkpoint } = followChain(root, io.clock.now(), ed25519Verifier(), proof)
  const { height, epoch, stateRoot, historyRoot } = checkpoint
  io.say({ type: 'checkpoint', height, epoch, stateRoot, historyRoot }, `verified: height ${height}, epoch ${epoch}, state ${stateRoot}`)
}

function limit({ timeoutMs }: LedgerOptions, io: CommandIo): AbortSignal {
  return AbortSignal.any([io.signal, AbortSignal.timeout(timeoutMs)])
}
