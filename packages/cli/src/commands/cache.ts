import { defineCommand } from '../define-command.ts'
import { defaultFlag, optionalFlag, repeatedFlag, requiredFlag } from '../field.ts'
import {
  checkPeers,
  LISTEN_EVERYWHERE,
  MAX_RATE_FIELD,
  NETWORK_FIELD,
  PEERS_FIELD,
  serveFields,
  type ServeOptions,
  type SourceOptions,
  TRUST_FIELD,
} from '../options.ts'
import { size } from '../values/number.ts'
import { text } from '../values/parser.ts'
import { ledgerName } from '../values/release.ts'

export interface CacheOptions extends Omit<SourceOptions, 'timeoutMs'>, ServeOptions {
  /** Where the chunks are kept. */
  readonly store: string
  readonly region: string
  /** The most bytes the store may take; `undefined` leaves it to the disk. */
  readonly capacityBytes: number | undefined
  /** Bytes per second to fetch at most. */
  readonly maxRate: number | undefined
  /** The ledgers to mirror; empty for all that the trust root knows. */
  readonly ledgers: readonly string[]
}

export const cache = defineCommand({
  name: 'cache',
  summary: 'mirror the releases of a publisher, verified, for the nodes of a region',
  fields: {
    trust: TRUST_FIELD,
    network: NETWORK_FIELD,
    peers: PEERS_FIELD,
    store: requiredFlag('store', 'DIR', 'where to keep what is mirrored', text('a directory')),
    region: defaultFlag('region', 'NAME', 'the region that this cache serves', text('a name'), 'default'),
    capacityBytes: optionalFlag('capacity', 'SIZE', 'the most disk to use', size),
    maxRate: MAX_RATE_FIELD,
    ledgers: repeatedFlag('ledger', 'NAME', 'mirror only this ledger', ledgerName),
    ...serveFields(LISTEN_EVERYWHERE),
  },
  check: checkPeers,
  runsUntilStopped: () => true,
  logLevel: 'info',
  examples: [
    {
      line: 'cairn cache --trust root.json --peer /dns4/origin.example.org/tcp/4001/p2p/12D3KooW… --store ./store --region eu',
      does: 'mirror everything that root.json vouches for',
    },
    { line: 'cairn cache --config cache.json --capacity 20GiB', does: 'flags from a file, with one replaced' },
  ],
})
