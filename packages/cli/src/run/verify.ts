import { join } from 'node:path'
import {
  FsBlockReader,
  inspectTarget,
  type JoinedTarget,
  readFileIfExists,
  STATE_DIRECTORY,
  StorageError,
  verifyDirectory,
  type VerifyReport,
} from '@cairn/storage'
import { loadManifest } from '@cairn/swarm'
import { decodeTrustState, initialTrust, releases, type TrustState } from '@cairn/trust'
import { CliError } from '../errors.ts'
import { EXIT } from '../exit-codes.ts'
import type { CommandHandler } from '../handlers.ts'
import { readInputFile } from '../input-file.ts'
import { formatBytes } from '../output/format.ts'

/** Paths shown per kind of damage; `--json` has them all. */
const PATHS_SHOWN_MAX = 20

/** Checks a joined directory against the release it was joined to. */
export const runVerify: CommandHandler<'verify'> = async ({ directory, trust }, io) => {
  const target = await joinedTarget(directory)
  const state = await trustedState(directory, trust)
  const release = Object.keys(state.ledgers)
    .flatMap((ledger) => releases(state, ledger))
    .find(({ manifest }) => manifest.equals(target.snapshot))
  if (release === undefined) {
    throw new CliError(
      `no release that ${trust ?? 'the directory’s trust state'} vouches for is snapshot ${target.snapshot.toString()}`,
      'join again to learn of newer releases, or check --trust',
      EXIT.verification,
      { code: 'NOT_VOUCHED_FOR' },
    )
  }
  await using pages = new FsBlockReader(join(directory, STATE_DIRECTORY, 'blocks'), io.clock)
  const index = await loadManifest(target.snapshot, pages)
  const report = await verifyDirectory(directory, index, {
    signal: io.signal,
    onProgress: ({ bytesDone, bytesTotal }) => io.progress.update({ stage: 'verifying', bytes: bytesDone, bytesTotal }),
  })
  io.progress.clear()
  const { ledger, height } = release
  const { files, bytes } = index.root.totals
  io.say(
    { type: 'verified', directory, ledger, height, snapshot: target.snapshot.toString(), files, bytes, ...report },
    report.ok ? `${directory} is ${ledger}@${height}: ${files} files, ${formatBytes(bytes)}, all as signed` : damageText(report),
  )
  if (report.ok) return
  const count = report.altered.length + report.missing.length + report.extra.length + report.wrongMode.length + report.wrongLink.length
  throw new CliError(
    `${directory} differs from ${ledger}@${height} in ${count} ${count === 1 ? 'path' : 'paths'}`,
    'run `cairn join` on it again to fetch what is missing or altered; remove what is extra',
    EXIT.verification,
    { code: 'DIFFERS' },
  )
}

async function joinedTarget(directory: string): Promise<JoinedTarget> {
  let target: JoinedTarget | undefined
  try {
    target = await inspectTarget(directory)
  } catch (error) {
    if (!(error instanceof StorageError) || error.fault.code !== 'FOREIGN_FILES') throw error
  }
  if (target !== undefined) return target
  throw new CliError(`${directory} was not joined`, 'name a directory that `cairn join --into` made', EXIT.usage, { code: 'NOT_JOINED' })
}

/** What the directory was joined with, checked again; with `trust`, only if that is its root. */
async function trustedState(directory: string, trust: string | undefined): Promise<TrustState> {
  const path = join(directory, STATE_DIRECTORY, 'trust')
  const bytes = await readFileIfExists(path)
  if (bytes === undefined)
    throw new CliError(`${path} is missing`, 'join the directory again', EXIT.verification, { code: 'NO_TRUST_STATE' })
  const state = decodeTrustState(bytes)
  if (trust === undefined) return state
  const given = readInputFile(trust, '--trust')
  initialTrust(given, 0)
  if (Buffer.compare(given, state.root) !== 0) {
    throw new CliError(`${directory} was joined under another root than ${trust}`, undefined, EXIT.verification, { code: 'OTHER_ROOT' })
  }
  return state
}

function damageText(report: VerifyReport): string {
  const kinds = [
    ['altered', report.altered],
    ['missing', report.missing],
    ['extra', report.extra],
    ['other permissions', report.wrongMode],
    ['other link target', report.wrongLink],
  ] as const
  return kinds
    .flatMap(([kind, paths]) => [
      ...paths.slice(0, PATHS_SHOWN_MAX).map((path) => `${kind}: ${path}`),
      ...(paths.length > PATHS_SHOWN_MAX ? [`${kind}: and ${paths.length - PATHS_SHOWN_MAX} more`] : []),
    ])
    .join('\n')
}
