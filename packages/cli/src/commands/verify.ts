import { defineCommand } from '../define-command.ts'
import { optionalFlag, repeatedFlag, requiredArgument, switchFlag } from '../field.ts'
import { NETWORK_FIELD, timeoutField } from '../options.ts'
import { multiaddr } from '../values/address.ts'
import { text } from '../values/parser.ts'

export interface VerifyOptions {
  readonly directory: string
  /** Also checks that this root still vouches for the release; without it, the one the directory was joined with. */
  readonly trust: string | undefined
  /** Fetches what differs. */
  readonly repair: boolean
  readonly network: string
  readonly peers: readonly string[]
  readonly timeoutMs: number
}

export const verify = defineCommand({
  name: 'verify',
  summary: 'check every byte of a joined directory against its signed release, and mend it if told to',
  fields: {
    directory: requiredArgument(
      'DIR',
      'a directory that was joined; of one that follows, the version in use is checked',
      text('a directory'),
    ),
    trust: optionalFlag('trust', 'FILE', 'trust this root.json instead of the one the directory was joined with', text('a file')),
    repair: switchFlag('repair', 'put back what was renamed, and fetch what is nowhere else; needs --trust and --peer'),
    network: NETWORK_FIELD,
    peers: repeatedFlag('peer', 'MULTIADDR', 'a peer to fetch from, with --repair', multiaddr),
    timeoutMs: timeoutField('60s'),
  },
  check: checkRepair,
  logLevel: 'warn',
  examples: [
    { line: 'cairn verify ./state', does: 'exit code 0 if it is what was signed, 3 if not' },
    { line: 'cairn verify ./state --repair --trust root.json --peer …', does: 'fetch what differs and is nowhere in it, and nothing else' },
  ],
})

function checkRepair({ repair, trust, peers }: VerifyOptions): string | undefined {
  if (!repair) return peers.length === 0 ? undefined : '--peer is for --repair: verify alone asks nobody'
  return trust === undefined || peers.length === 0 ? '--repair needs --trust FILE and --peer MULTIADDR' : undefined
}
