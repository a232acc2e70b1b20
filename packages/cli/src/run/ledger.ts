import { randomBytes } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { ed25519Signer, ed25519Verifier, encodeOperation, followChain, LedgerError, type TrustRoot } from '@cairn/ledger'
import { createLedgerDirectory, LedgerClient, ReplicaError } from '@cairn/replica'
import type { LedgerOptions } from '../commands/ledger.ts'
import { CliError, UsageError } from '../errors.ts'
import { EXIT, type ExitCode } from '../exit-codes.ts'
import type { CommandHandler } from '../handlers.ts'
import type { CommandIo } from '../io.ts'
import { runSeat } from './ledger-seat.ts'

/** Heights for which an operation stays good: minutes of a busy ledger. */
const LIFETIME_HEIGHTS = 10_000

export const runLedger: CommandHandler<'ledger'> = async (options, io) => {
  try {
    await act(options, io)
  } catch (error) {
    if (error instanceof LedgerError)
      throw explained(error, error.fault.code, EXIT.verification, 'nothing of it was believed; ask another replica')
    // What `fetch` throws when nobody listens.
    if (error instanceof TypeError && error.cause instanceof Error) {
      throw explained(
        new Error(`no replica answers: ${error.cause.message}`),
        'NO_REPLICA',
        EXIT.noSource,
        'check the URL and that the seat runs',
      )
    }
    if (error instanceof ReplicaError && error.fault.code === 'REFUSED') {
      const exitCode = error.fault.status === 503 ? EXIT.noSource : EXIT.failed
      throw explained(
        error,
        'REFUSED',
        exitCode,
        exitCode === EXIT.noSource ? 'ask another replica, or read with --level local' : undefined,
      )
    }
    if (error instanceof ReplicaError) throw explained(error, error.fault.code, EXIT.storage, undefined)
    throw error
  }
}

function explained(error: Error, code: string, exitCode: ExitCode, hint: string | undefined): CliError {
  return new CliError(error.message, hint, exitCode, { code, cause: error })
}

async function act(options: LedgerOptions, io: CommandIo): Promise<void> {
  const [target = '', ...values] = options.values
  switch (options.action) {
    case 'init': {
      const { genesis, ledger } = await createLedgerDirectory(target, options.preset, io.clock.now(), !options.unsigned)
      const { n } = genesis.size
      return io.say(
        { type: 'ledger', directory: target, seats: n, networkId: ledger.networkId },
        `made a ledger of ${n} ${n === 1 ? 'seat' : 'seats'} in ${target}`,
      )
    }
    case 'run':
      return await runSeat(target, options, io)
    case 'submit':
      return await submit(target, values, options, io)
    case 'read': {
      const [key] = taken(values, 1, 'URL KEY')
      const { level, value, height, stateRoot } = await new LedgerClient(target).read(
        Buffer.from(key ?? ''),
        limit(options, io),
        options.level,
      )
      const text = value === undefined ? undefined : Buffer.from(value).toString('utf8')
      io.say({ type: 'read', key, value: text ?? null, level, height, stateRoot }, text ?? 'nothing')
      return io.note(`${level}, at height ${height}; the proof is good under state root ${stateRoot}`)
    }
    case 'status': {
      const status = await new LedgerClient(target).status(limit(options, io))
      return io.say(
        { ...status, type: 'ledger-status', url: target },
        `height ${status.height}, epoch ${status.epoch}, slot ${status.slot}, checkpoint ${status.checkpointHeight ?? 'none yet'}${status.silence === null ? '' : `; ${status.silence}`}`,
      )
    }
    case 'verify-checkpoint':
      return await verifyCheckpoint(target, options, io)
    default:
      options.action satisfies never
  }
}

async function submit(url: string, values: readonly string[], options: LedgerOptions, io: CommandIo): Promise<void> {
  const [key = '', value = ''] = taken(values, 2, 'URL KEY VALUE')
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

async function verifyCheckpoint(url: string, options: LedgerOptions, io: CommandIo): Promise<void> {
  if (options.trust === undefined) throw new UsageError('--trust FILE is missing: the trust.json that init wrote')
  const root = JSON.parse(await readFile(options.trust, 'utf8')) as TrustRoot
  const proof = await new LedgerClient(url).lightProof(limit(options, io))
  const { checkpoint } = followChain(root, io.clock.now(), ed25519Verifier(), proof)
  const { height, epoch, stateRoot, historyRoot } = checkpoint
  io.say({ type: 'checkpoint', height, epoch, stateRoot, historyRoot }, `verified: height ${height}, epoch ${epoch}, state ${stateRoot}`)
}

function taken(values: readonly string[], count: number, what: string): readonly string[] {
  if (values.length !== count) throw new UsageError(`it takes ${what}`)
  return values
}

function limit({ timeoutMs }: LedgerOptions, io: CommandIo): AbortSignal {
  return AbortSignal.any([io.signal, AbortSignal.timeout(timeoutMs)])
}
