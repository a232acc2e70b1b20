import { join } from 'node:path'
import {
  FsBlockReader,
  inspectTarget,
  type JoinedTarget,
  pendingSwitch,
  readFileIfExists,
  STATE_DIRECTORY,
  StorageError,
  verifyDirectory,
  VersionDirectory,
  type VerifyReport,
} from '@cairn/storage'
import { loadManifest } from '@cairn/swarm'
import type { SnapshotIndex } from '@cairn/protocol'
import { decodeTrustState, initialTrust, type Release, releases, type TrustState } from '@cairn/trust'
import { CliError } from '../errors.ts'
import { EXIT } from '../exit-codes.ts'
import type { CommandHandler } from '../handlers.ts'
import { readInputFile } from '../input-file.ts'
import type { CommandIo } from '../io.ts'
import { formatBytes } from '../output/format.ts'

/** Paths shown per kind of damage; `--json` has them all. */
const PATHS_SHOWN_MAX = 20

/** Checks a joined directory against the release it was joined to, and mends it if that is asked for. */
export const runVerify: CommandHandler<'verify'> = async (options, io) => {
  const place = await findPlace(options.directory)
  if ((await pendingSwitch(place.root)) !== undefined) {
    throw new CliError(
      `${options.directory} is on its way from one version to another`,
      'run the `cairn join` that was interrupted again',
      EXIT.verification,
      { code: 'SWITCHING' },
    )
  }
  const target = await joinedTarget(place.root)
  const state = await trustedState(place.state, options.trust)
  const release = Object.keys(state.ledgers)
    .flatMap((ledger) => releases(state, ledger))
    .find(({ manifest }) => manifest.equals(target.snapshot))
  if (release === undefined) {
    throw new CliError(
      `no release that ${options.trust ?? 'the directory’s trust state'} vouches for is snapshot ${target.snapshot.toString()}`,
      'join again to learn of newer releases, or check --trust',
      EXIT.verification,
      { code: 'NOT_VOUCHED_FOR' },
    )
  }
  const index = await manifestOf(target, place, io)
  let report = await check(place.root, index, io)
  if (!report.ok && options.repair) {
    io.note(damageText(report))
    const { repairDirectory } = await import('./repair.ts')
    await repairDirectory(place.root, release, options, io)
    report = await check(place.root, index, io)
  }
  sayVerified(options.directory, release, index, report, io)
}

/** Where the files are, and the `.cairn` that vouches for them. */
interface Place {
  readonly root: string
  readonly state: string
}

/** Of a directory that follows, the version in use. */
async function findPlace(directory: string): Promise<Place> {
  const versions = await VersionDirectory.find(directory)
  const current = await versions?.current()
  if (versions === undefined || current === undefined) return { root: directory, state: join(directory, STATE_DIRECTORY) }
  return { root: join(versions.path, 'versions', current), state: join(versions.path, STATE_DIRECTORY) }
}

async function manifestOf({ snapshot }: JoinedTarget, { state }: Place, io: CommandIo): Promise<SnapshotIndex> {
  await using pages = new FsBlockReader(join(state, 'blocks'), io.clock)
  return await loadManifest(snapshot, pages)
}

async function check(root: string, index: SnapshotIndex, io: CommandIo): Promise<VerifyReport> {
  const report = await verifyDirectory(root, index, {
    signal: io.signal,
    onProgress: ({ bytesDone, bytesTotal }) => io.progress.update({ stage: 'verifying', bytes: bytesDone, bytesTotal }),
  })
  io.progress.clear()
  return report
}

function sayVerified(directory: string, release: Release, index: SnapshotIndex, report: VerifyReport, io: CommandIo): void {
  const { ledger, height, manifest } = release
  const { files, bytes } = index.root.totals
  io.say(
    { type: 'verified', directory, ledger, height, snapshot: manifest.toString(), files, bytes, ...report },
    report.ok ? `${directory} is ${ledger}@${height}: ${files} files, ${formatBytes(bytes)}, all as signed` : damageText(report),
  )
  if (report.ok) return
  const count = report.altered.length + report.missing.length + report.extra.length + report.wrongMode.length + report.wrongLink.length
  throw new CliError(
    `${directory} differs from ${ledger}@${height} in ${count} ${count === 1 ? 'path' : 'paths'}`,
    'run `cairn join` on it again, or `cairn verify --repair`, to mend it; remove what is extra',
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
async function trustedState(stateDirectory: string, trust: string | undefined): Promise<TrustState> {
  const path = join(stateDirectory, 'trust')
  const bytes = await readFileIfExists(path)
  if (bytes === undefined)
    throw new CliError(`${path} is missing`, 'join the directory again', EXIT.verification, { code: 'NO_TRUST_STATE' })
  const state = decodeTrustState(bytes)
  if (trust === undefined) return state
  const given = readInputFile(trust, '--trust')
  initialTrust(given, 0)
  if (Buffer.compare(given, state.root) !== 0) {
    throw new CliError(`${path} was begun under another root than ${trust}`, undefined, EXIT.verification, { code: 'OTHER_ROOT' })
  }
  return state
}

function damageText(report: VerifyReport): string {
  const kinds = [
    ['altered', report.altered],
    ['missing', report.missing],
    ['renamed', report.renamed.map(({ path, found }) => `${path} is now ${found}`)],
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
