import type { StageClass } from '@cairn/protocol'
import type { Selector } from '@cairn/trust'
import { defineCommand } from '../define-command.ts'
import { defaultFlag, optionalFlag, repeatedFlag, requiredArgument, requiredFlag, switchFlag } from '../field.ts'
import {
  checkPeers,
  LISTEN_EVERYWHERE,
  MAX_RATE_FIELD,
  NETWORK_FIELD,
  PEERS_FIELD,
  serveFields,
  type ServeOptions,
  type SourceOptions,
  timeoutField,
  TRUST_FIELD,
} from '../options.ts'
import { integer } from '../values/number.ts'
import { oneOf, text } from '../values/parser.ts'
import { release } from '../values/release.ts'

export interface JoinOptions extends SourceOptions, ServeOptions {
  readonly release: Selector
  readonly into: string
  /** Stays after joining, and serves others until it is told to stop. */
  readonly stay: boolean
  /** Stays, and brings every newer version beside the ones that are there. */
  readonly follow: boolean
  /** Versions on the disk with `follow`. */
  readonly keep: number
  /** Versions share no file with `follow`. */
  readonly copy: boolean
  readonly region: string | undefined
  /** A file for the trace of the download. */
  readonly trace: string | undefined
  /** Directories that may hold what the release has. */
  readonly seeds: readonly string[]
  /** Ends as soon as this stage, and those before it, are in place. */
  readonly stage: EarlyStage | undefined
  /** Bytes per second to fetch at most. */
  readonly maxRate: number | undefined
}

/** The stages that leave something to be fetched later. */
export type EarlyStage = Exclude<StageClass, 'bulk'>

export const join = defineCommand({
  name: 'join',
  summary: 'bring a directory to a release, from any peers, verified chunk by chunk',
  fields: {
    release: requiredArgument('LEDGER[@HEIGHT|@CHANNEL]', 'the release to join at; the newest on stable by default', release),
    trust: TRUST_FIELD,
    network: NETWORK_FIELD,
    peers: PEERS_FIELD,
    into: requiredFlag('into', 'DIR', 'where to place it; running it again resumes, mends, or updates', text('a directory')),
    stay: switchFlag('stay', 'stay after joining, and serve others until told to stop'),
    follow: switchFlag(
      'follow',
      'stay, bring every newer version into DIR/versions, and let the link DIR/current name the newest whole one',
    ),
    keep: defaultFlag('keep', 'N', 'versions to have on the disk with --follow, the one on its way included', integer(2, 3), '2'),
    copy: switchFlag('copy', 'copy what two versions share instead of linking it: needed if something writes into DIR/current'),
    stage: optionalFlag(
      'stage',
      'STAGE',
      'return as soon as this stage is in place, bootstrap or hot; without it, a later run goes on from there',
      oneOf('bootstrap', 'hot'),
    ),
    seeds: repeatedFlag(
      'seed',
      'DIR',
      'take what is the same from this directory, joined or not, instead of fetching it',
      text('a directory'),
    ),
    maxRate: MAX_RATE_FIELD,
    region: optionalFlag('region', 'NAME', 'the region to tell other peers', text('a name')),
    trace: optionalFlag('trace', 'FILE', 'record every decision of the download, for `cairn replay`', text('a file')),
    timeoutMs: timeoutField('60s'),
    ...serveFields(LISTEN_EVERYWHERE),
  },
  check: (options) => checkPeers(options) ?? checkStage(options) ?? checkFollow(options),
  runsUntilStopped: ({ stay, follow }) => stay || follow,
  // What a person should know comes as notes; the log has it again only for those who ask.
  logLevel: 'error',
  examples: [
    {
      line: 'cairn join mainnet --trust root.json --peer /ip4/192.0.2.7/tcp/4001 --into ./state',
      does: 'the newest release on stable; after an interruption run it again',
    },
    {
      line: 'cairn join mainnet --trust root.json --peer … --into ./state --stage bootstrap',
      does: 'as much as the ledger needs to start; run it again without --stage for the rest',
    },
    {
      line: 'cairn join mainnet --trust root.json --peer … --into ./node --follow --keep 3',
      does: 'every new release on stable, whole, at ./node/current; `cairn rollback ./node` goes back',
    },
    { line: 'cairn join mainnet@1200 --trust root.json --peer … --into ./state --timeout 5m', does: 'an exact height, with more patience' },
  ],
})

function checkStage({ stage, stay }: JoinOptions): string | undefined {
  return stage === undefined || !stay ? undefined : '--stage returns when that stage is in place, --stay does not return: give one of them'
}

function checkFollow({ follow, stage, release, copy }: JoinOptions): string | undefined {
  if (!follow) return copy ? '--copy is for --follow: nothing else links files' : undefined
  if (stage !== undefined) return '--stage returns when that stage is in place, --follow does not return: give one of them'
  return release.height === undefined ? undefined : '--follow goes where a channel points: name a channel, or no height'
}
