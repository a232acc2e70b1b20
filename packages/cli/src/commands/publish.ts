import type { ChunkingProfile } from '@cairn/protocol'
import { defineCommand } from '../define-command.ts'
import { defaultFlag, repeatedFlag, requiredArgument, requiredFlag, switchFlag } from '../field.ts'
import { integer } from '../values/number.ts'
import { oneOf, text } from '../values/parser.ts'
import { channelName, ledgerName } from '../values/release.ts'

export interface PublishOptions {
  readonly directory: string
  readonly workspace: string
  readonly ledger: string
  readonly height: number
  readonly channel: string
  /** Patterns of paths, relative to the directory, that a node needs to start serving. */
  readonly bootstrap: readonly string[]
  /** Patterns of paths that come next; the rest is last. */
  readonly hot: readonly string[]
  /** `auto` measures a sample and picks one. */
  readonly profile: ChunkingProfile | 'auto'
  /** `copy` keeps the chunks in the workspace; `reference` serves from the published directory. */
  readonly store: 'copy' | 'reference'
  /** From how many earlier releases deltas are made. */
  readonly deltas: number
  /** Replaces a different snapshot at the same height. */
  readonly replace: boolean
}

const pattern = text('a pattern such as "*.idx"')

export const publish = defineCommand({
  name: 'publish',
  summary: 'sign a directory as a release',
  fields: {
    directory: requiredArgument('DIR', 'the directory to publish', text('a directory')),
    workspace: requiredFlag('workspace', 'DIR', 'the workspace that `cairn init` made', text('a directory')),
    ledger: requiredFlag('ledger', 'NAME', 'the ledger whose state it is', ledgerName),
    height: requiredFlag('height', 'N', 'the height of that state', integer(0, 1200)),
    channel: defaultFlag('channel', 'NAME', 'the channel that will point to it', channelName, 'stable'),
    bootstrap: repeatedFlag('bootstrap', 'GLOB', 'files that a node needs to start serving', pattern),
    hot: repeatedFlag('hot', 'GLOB', 'files that a node is asked for first', pattern),
    profile: defaultFlag(
      'profile',
      'PROFILE',
      'chunk sizes: edge, balanced, bulk, or auto to measure',
      oneOf('edge', 'balanced', 'bulk', 'auto'),
      'balanced',
    ),
    store: defaultFlag(
      'store',
      'HOW',
      'copy the chunks, or reference the directory, which must then not change',
      oneOf('copy', 'reference'),
      'copy',
    ),
    deltas: defaultFlag('deltas', 'N', 'from how many earlier releases deltas are made', integer(0, 1), '4'),
    replace: switchFlag('replace', 'replace a different snapshot at the same height'),
  },
  logLevel: 'warn',
  examples: [
    { line: 'cairn publish ./state --workspace ./workspace --ledger mainnet --height 1200', does: 'the newest release on channel stable' },
    {
      line: 'cairn publish ./state --workspace ./workspace --ledger mainnet --height 1200 --bootstrap "*.idx" --store reference',
      does: 'index files first, and no second copy on disk',
    },
  ],
})
