import type { ObservabilityFault } from '@cairn/observability'
import type { CacheFault } from '@cairn/cache'
import type { NetworkFault } from '@cairn/network'
import type { NodeFault } from '@cairn/node'
import type { OriginFault } from '@cairn/origin'
import type { ProtocolFault } from '@cairn/protocol'
import type { StorageFault } from '@cairn/storage'
import type { SwarmFault } from '@cairn/swarm'
import type { TrustFault } from '@cairn/trust'
import { CliError } from './errors.ts'
import { EXIT, type ExitCode } from './exit-codes.ts'
import { printable } from './output/format.ts'

/** A failure as the person at the terminal, or the program that called, is told of it. */
export interface Explanation {
  /** What `--json` calls it. */
  readonly code: string
  /** One sentence, without a stop. */
  readonly message: string
  /** The next step, where there is one. */
  readonly hint: string | undefined
  readonly exitCode: ExitCode
}

type Advice = readonly [exitCode: ExitCode, hint?: string]

const LISTEN_HINT = 'choose another address or port (port 0 takes a free one), or stop the program that uses it'
const PATH_HINT = 'check that the path exists and is what the command takes'
const ROOT_HINT = 'check that --trust is the root.json that this publisher gave out; if it is, try another --peer'
const REFUSED_HINT = 'nothing of it was used; try another --peer, and tell the publisher if it goes on'
const SOURCE_HINT = 'check the --peer addresses and that those peers are running, or allow more time with --timeout'

const STORAGE: Readonly<Record<StorageFault['code'], Advice>> = {
  NO_SPACE: [EXIT.storage, 'free some space and run the command again: it goes on where it stopped'],
  IO_FAILED: [EXIT.storage, 'check the disk and the permissions of that path'],
  CORRUPT: [EXIT.storage, 'remove what is damaged and run the command again: it is fetched anew'],
  SOURCE_CHANGED: [EXIT.storage, 'publish the directory again, or with --store copy to be free to change it'],
  BASE_MISSING: [EXIT.storage, 'run the command again: the chunk is fetched whole'],
  FOREIGN_FILES: [EXIT.storage, 'name an empty directory, or one that was joined before'],
  OTHER_SNAPSHOT: [EXIT.storage, 'name another directory'],
  OTHER_LAYOUT: [EXIT.storage, 'name another directory; --follow keeps versions side by side, a join without it one snapshot'],
  LOCKED: [EXIT.storage, 'stop the other process, or name another directory'],
  UNSUPPORTED_FILE: [EXIT.storage, 'remove it, or publish a directory without it'],
  UNSUPPORTED_VERSION: [EXIT.storage, 'use the version of cairn that wrote it, or a newer one'],
}

const TRUST: Readonly<Record<TrustFault['code'], Advice>> = {
  MALFORMED: [EXIT.verification, ROOT_HINT],
  TOO_LARGE: [EXIT.verification, REFUSED_HINT],
  UNSUPPORTED_VERSION: [EXIT.verification, 'install a newer version of cairn'],
  FORGED: [EXIT.verification, ROOT_HINT],
  OUT_OF_SCOPE: [EXIT.verification, REFUSED_HINT],
  EXPIRED: [EXIT.verification, "check this machine's clock; if it is right, the publisher must sign again (a running `cairn origin` does)"],
  ROLLED_BACK: [EXIT.verification, 'a newer version was seen before and nothing older is believed; try another --peer'],
  MIXED: [EXIT.verification, REFUSED_HINT],
  MISSING: [EXIT.noSource, SOURCE_HINT],
  UNKNOWN_LEDGER: [EXIT.usage, '`cairn list` shows what there is'],
  UNKNOWN_RELEASE: [EXIT.usage, '`cairn list` shows what there is'],
  BAD_SELECTOR: [EXIT.usage, 'write LEDGER, LEDGER@HEIGHT or LEDGER@CHANNEL'],
  CONFLICT: [EXIT.usage, 'publish at another height, or with --replace to take the other one back'],
  BAD_KEY: [EXIT.failed, 'restore the key from where it was kept'],
}

const PROTOCOL: Readonly<Record<ProtocolFault['code'], Advice>> = {
  MALFORMED: [EXIT.verification, REFUSED_HINT],
  TOO_LARGE: [EXIT.verification, REFUSED_HINT],
  UNSUPPORTED_VERSION: [EXIT.verification, 'install a newer version of cairn'],
  BAD_CID: [EXIT.verification, REFUSED_HINT],
  MISMATCH: [EXIT.verification, REFUSED_HINT],
}

const SWARM: Readonly<Record<SwarmFault['code'], Advice>> = {
  NO_SOURCE: [EXIT.noSource, SOURCE_HINT],
  UNVERIFIABLE: [EXIT.verification, 'nothing of it was used; add another --peer'],
  OTHER_TRUST_ROOT: [
    EXIT.verification,
    'name the root.json that this directory was started with, or a later one of the same publisher, or another directory',
  ],
}

const ORIGIN: Readonly<Record<OriginFault['code'], Advice>> = {
  NOT_A_WORKSPACE: [EXIT.usage, 'make one with `cairn init`'],
  WORKSPACE_EXISTS: [EXIT.usage, 'publish to it, or name another ledger'],
  OTHER_NETWORK: [EXIT.usage, 'make another workspace for another network'],
  KEY_MISSING: [EXIT.failed, 'bring the key back from where it is kept offline'],
  BAD_NAME: [EXIT.usage],
  UNKNOWN_LEDGER: [EXIT.usage, 'add it with `cairn init WORKSPACE --ledger NAME`'],
  NOT_A_DIRECTORY: [EXIT.usage, PATH_HINT],
  SOURCE_CHANGED: [EXIT.storage, 'stop what writes to the directory, or publish a copy of it'],
  THREAD_FAILED: [EXIT.failed, 'run the command again: it goes on where it stopped; if it fails again, look for a lack of memory'],
  PATTERN_MATCHES_NOTHING: [EXIT.usage, 'patterns are matched against paths relative to the directory'],
  UNSUPPORTED_WORKSPACE: [EXIT.usage, 'use the version of cairn that wrote it, or a newer one'],
}

const NODE: Readonly<Record<NodeFault['code'], Advice>> = {
  MANIFEST_MISMATCH: [EXIT.verification, 'check --network; if it is right, tell the publisher: the release is signed for something else'],
  NO_SUCH_STAGE: [EXIT.usage, 'run it without --stage: it is usable when all of it is in place'],
  STAGE_OF_UPDATE: [EXIT.usage, 'run it without --stage: the directory stays as it is until the new version is whole'],
  UNKNOWN_PATH: [EXIT.usage],
  NOT_A_FILE: [EXIT.usage],
  OUT_OF_RANGE: [EXIT.usage],
  NOT_FETCHING: [EXIT.noSource, 'join again: it goes on where it stopped'],
}

const CACHE: Readonly<Record<CacheFault['code'], Advice>> = {
  MANIFEST_MISMATCH: NODE.MANIFEST_MISMATCH,
  OVER_CAPACITY: [EXIT.storage, 'allow more with --capacity'],
  PAGE_LOST: [EXIT.storage, 'start the cache again while a source is reachable'],
}

const NETWORK: Readonly<Record<NetworkFault['code'], Advice>> = {
  LISTEN_FAILED: [EXIT.failed, LISTEN_HINT],
  DIAL_FAILED: [EXIT.noSource, SOURCE_HINT],
  BAD_ADDRESS: [EXIT.usage, 'write one such as /ip4/127.0.0.1/tcp/4001'],
  NOT_CONNECTED: [EXIT.noSource, SOURCE_HINT],
  UNSUPPORTED_PROTOCOL: [EXIT.noSource, 'that peer does not run cairn, or not this version; name another --peer'],
  BANNED: [EXIT.noSource, 'it sent what did not verify; name another --peer'],
  CHANNEL_CLOSED: [EXIT.noSource, SOURCE_HINT],
  FRAME_TOO_LARGE: [EXIT.noSource, 'that peer does not keep to the protocol; name another --peer'],
  BAD_KEY: [EXIT.failed, 'remove that file to get a new identity'],
  STOPPED: [EXIT.failed],
}

const OBSERVABILITY: Readonly<Record<ObservabilityFault['code'], Advice>> = {
  LISTEN_FAILED: [EXIT.failed, LISTEN_HINT],
  BAD_ADDRESS: [EXIT.usage],
  LOG_UNWRITABLE: [EXIT.storage],
  STATUS_UNREACHABLE: [EXIT.failed, 'check that the daemon runs and was started with that --http address'],
  STATUS_UNREADABLE: [EXIT.failed, 'check that the address is the --http address of a cairn daemon'],
}

/** By the `name` of the error class, so that explaining a failure loads none of the packages that can fail. */
const FAULTS: Readonly<Record<string, Readonly<Record<string, Advice>>>> = {
  StorageError: STORAGE,
  TrustError: TRUST,
  ProtocolError: PROTOCOL,
  SwarmError: SWARM,
  OriginError: ORIGIN,
  NodeError: NODE,
  CacheError: CACHE,
  NetworkError: NETWORK,
  ObservabilityError: OBSERVABILITY,
}

/** What the system says where no package had words for it. */
const SYSTEM: Readonly<Record<string, Advice>> = {
  ENOSPC: STORAGE.NO_SPACE,
  EDQUOT: STORAGE.NO_SPACE,
  EIO: STORAGE.IO_FAILED,
  EROFS: STORAGE.IO_FAILED,
  EACCES: STORAGE.IO_FAILED,
  EPERM: STORAGE.IO_FAILED,
  ENOENT: [EXIT.storage, PATH_HINT],
  ENOTDIR: [EXIT.storage, PATH_HINT],
  EISDIR: [EXIT.storage, PATH_HINT],
  EMFILE: [EXIT.failed, 'raise the limit of open files (ulimit -n)'],
  EADDRINUSE: [EXIT.failed, LISTEN_HINT],
}

/** Wrappers say where something failed, their cause says what; more layers than this are a loop. */
const CAUSES_MAX = 8

/**
 * A sentence, a hint and an exit code for anything that can be thrown. The first error in the chain of causes
 * that is known decides; what nobody knows is a plain failure.
 */
export function explain(error: unknown): Explanation {
  for (const candidate of causes(error)) {
    const known = explainKnown(candidate)
    if (known !== undefined) return known
  }
  const message = error instanceof Error && error.message !== '' ? error.message : String(error)
  return { code: 'FAILED', message: oneSentence(message), hint: 'run it again with CAIRN_DEBUG=1 to see where', exitCode: EXIT.failed }
}

function explainKnown(error: Error): Explanation | undefined {
  const message = oneSentence(error.message)
  if (error instanceof CliError) return { code: error.code, message, hint: error.hint, exitCode: error.exitCode }
  if (error.name === 'TimeoutError') return { code: 'TIMED_OUT', message, hint: SOURCE_HINT, exitCode: EXIT.noSource }
  const table = Object.hasOwn(FAULTS, error.name) ? FAULTS[error.name] : undefined
  const code = table === undefined ? errnoOf(error) : faultCodeOf(error)
  const advice = code === undefined ? undefined : lookUp(table ?? SYSTEM, code)
  return code === undefined || advice === undefined ? undefined : { code, message, hint: advice[1], exitCode: advice[0] }
}

function causes(error: unknown): readonly Error[] {
  const chain: Error[] = []
  let rest: unknown[] = [error]
  while (rest.length > 0 && chain.length < CAUSES_MAX) {
    const [next, ...others] = rest
    rest = others
    if (!(next instanceof Error)) continue
    chain.push(next)
    // What failed first says more than what failed while that was cleaned up.
    if (next instanceof SuppressedError) rest.unshift(next.suppressed, next.error)
    rest.push(next.cause, ...(next instanceof AggregateError ? (next.errors as unknown[]) : []))
  }
  return chain
}

function faultCodeOf(error: Error): string | undefined {
  const fault: unknown = 'fault' in error ? error.fault : undefined
  return typeof fault === 'object' && fault !== null && 'code' in fault ? String(fault.code) : undefined
}

function errnoOf(error: Error): string | undefined {
  return 'code' in error && typeof error.code === 'string' ? error.code : undefined
}

function lookUp(table: Readonly<Record<string, Advice>>, code: string): Advice | undefined {
  return Object.hasOwn(table, code) ? table[code] : undefined
}

/** Messages may quote a peer, and span lines where a library wrote them. */
function oneSentence(message: string): string {
  return printable(message.trim().replaceAll(/\s*\n\s*/g, ' ')).replace(/\.$/, '')
}
