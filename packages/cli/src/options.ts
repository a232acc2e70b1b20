import { LOG_LEVELS, type HostPort, type LogLevel } from '@cairn/observability'
import { type FieldTable, optionalFlag, repeatedFlag, requiredFlag, switchFlag, defaultFlag } from './field.ts'
import { hostPort, multiaddr } from './values/address.ts'
import { duration, rate } from './values/number.ts'
import { oneOf, text } from './values/parser.ts'
import { networkName } from './values/release.ts'

/** What every command takes. */
export interface CommonOptions {
  /** One JSON object a line on stdout instead of text. */
  readonly json: boolean
  /** No progress. */
  readonly quiet: boolean
  /** `undefined` leaves it to the command. */
  readonly logLevel: LogLevel | undefined
  /** A file that gives flags. */
  readonly config: string | undefined
}

export const COMMON_FIELDS: FieldTable<CommonOptions> = {
  json: switchFlag('json', 'print one JSON object a line on stdout'),
  quiet: switchFlag('quiet', 'show no progress'),
  logLevel: optionalFlag('log-level', 'LEVEL', `least serious log line to write to stderr: ${LOG_LEVELS.join(', ')}`, oneOf(...LOG_LEVELS)),
  config: optionalFlag('config', 'FILE', 'take flags from this JSON file; the command line wins', text('a file')),
}

/** Where verified content comes from. */
export interface SourceOptions {
  /** The root.json that `cairn init` wrote. */
  readonly trust: string
  /** The network that the ledgers belong to; gossip of others is not heard. */
  readonly network: string
  readonly peers: readonly string[]
  /** Bounds every wait for a source. */
  readonly timeoutMs: number
}

export const TRUST_FIELD = requiredFlag('trust', 'FILE', 'the root.json that the publisher gave out', text('a file'))
export const NETWORK_FIELD = defaultFlag('network', 'NAME', 'the network that the publisher named', networkName, 'main')
export const PEERS_FIELD = repeatedFlag('peer', 'MULTIADDR', 'a peer to connect to; at least one, unless --mdns', multiaddr)

export function timeoutField(fallback: string): FieldTable<SourceOptions>['timeoutMs'] {
  return defaultFlag('timeout', 'DURATION', 'give up a wait for a source after this long', duration, fallback)
}

export const MAX_RATE_FIELD = optionalFlag('max-rate', 'RATE', 'fetch no faster than this, from all peers together', rate)

/** How a daemon can be reached. */
export interface ServeOptions {
  /** Multiaddrs to listen on; empty for a peer that only dials. */
  readonly listen: readonly string[]
  /** Where health, readiness, metrics and status are served; nowhere if `undefined`. */
  readonly http: HostPort | undefined
  /** Finds peers on the local network by multicast DNS. */
  readonly mdns: boolean
}

export function serveFields(listenFallback: readonly string[]): FieldTable<ServeOptions> {
  return {
    listen: repeatedFlag('listen', 'MULTIADDR', 'an address to listen on', multiaddr, { fallback: listenFallback }),
    http: optionalFlag('http', 'HOST:PORT', 'serve health, readiness, metrics and status here; port 0 takes a free one', hostPort),
    mdns: switchFlag('mdns', 'find peers on the local network by multicast DNS'),
  }
}

/** What is wrong with how peers are found, if anything. */
export function checkPeers({ peers, mdns }: { readonly peers: readonly string[]; readonly mdns: boolean }): string | undefined {
  return peers.length > 0 || mdns ? undefined : 'give --peer MULTIADDR at least once, or --mdns to look on the local network'
}

/** Every interface, any free port: daemons are there to be reached, and print where they are. */
export const LISTEN_EVERYWHERE: readonly string[] = ['/ip4/0.0.0.0/tcp/0']

/** Where a command that only reads looks: a publisher's workspace, or peers whose answers are verified. */
export interface CatalogueOptions {
  readonly workspace: string | undefined
  readonly trust: string | undefined
  readonly network: string
  readonly peers: readonly string[]
  readonly timeoutMs: number
}

export const CATALOGUE_FIELDS: FieldTable<CatalogueOptions> = {
  workspace: optionalFlag('workspace', 'DIR', "read a publisher's workspace on this machine", text('a directory')),
  trust: optionalFlag('trust', 'FILE', 'ask peers, and verify with this root.json', text('a file')),
  network: NETWORK_FIELD,
  peers: repeatedFlag('peer', 'MULTIADDR', 'a peer to ask, with --trust', multiaddr),
  timeoutMs: timeoutField('30s'),
}

/** What is wrong with the choice between a workspace and peers, if anything. */
export function checkCatalogue({ workspace, trust, peers }: CatalogueOptions): string | undefined {
  if (workspace !== undefined)
    return trust === undefined && peers.length === 0 ? undefined : '--workspace and --trust with --peer exclude each other'
  if (trust === undefined && peers.length === 0) return 'give either --workspace DIR, or --trust FILE and --peer MULTIADDR'
  if (trust === undefined) return '--peer needs --trust FILE: nothing a peer says is believed without it'
  return peers.length === 0 ? '--trust needs --peer MULTIADDR: there is no one to ask' : undefined
}
