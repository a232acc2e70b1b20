import { isIPv4, isIPv6 } from 'node:net'
import { type HostPort, ObservabilityError, parseHostPort } from '@cairn/observability'
import type { ValueParser } from './parser.ts'

/** `HOST:PORT`, `:PORT` or `PORT`; without a host it is 127.0.0.1. */
export const hostPort: ValueParser<HostPort> = {
  accepts: 'HOST:PORT such as 127.0.0.1:9000, or a port alone',
  read(text) {
    try {
      return parseHostPort(text)
    } catch (error) {
      if (error instanceof ObservabilityError) return undefined
      throw error
    }
  },
}

/** The address of a daemon's HTTP server, as `http://HOST:PORT`; it may be given as HOST:PORT. */
export const httpUrl: ValueParser<string> = {
  accepts: 'the HTTP address of a daemon such as 127.0.0.1:9000 or http://cache.example.org:9000',
  read(text) {
    if (!/^https?:\/\//.test(text)) {
      const address = hostPort.read(text)
      if (address === undefined || address.port === 0) return undefined
      return `http://${isIPv6(address.host) ? `[${address.host}]` : address.host}:${address.port}`
    }
    const url = URL.parse(text)
    return url === null || url.pathname !== '/' || url.search !== '' || url.hash !== '' || url.username !== '' ? undefined : url.origin
  },
}

const HOSTS: Readonly<Record<string, (host: string) => boolean>> = {
  ip4: isIPv4,
  ip6: isIPv6,
  dns: isName,
  dns4: isName,
  dns6: isName,
}

/**
 * A TCP multiaddr, checked for the slips that people make; the network has the last word.
 * Its host is an address or a name, and the peer's identity may follow.
 */
export const multiaddr: ValueParser<string> = {
  accepts: 'a multiaddr such as /ip4/127.0.0.1/tcp/4001 or /dns4/cache.example.org/tcp/4001/p2p/12D3KooW…',
  read(text) {
    const [, kind, host, port] = /^\/([a-z0-9]+)\/([^/]+)\/tcp\/(\d{1,5})(?:\/p2p\/[1-9A-HJ-NP-Za-z]{40,128})?$/.exec(text) ?? []
    if (kind === undefined || host === undefined || !Object.hasOwn(HOSTS, kind)) return undefined
    return HOSTS[kind]?.(host) === true && Number(port) <= 65535 ? text : undefined
  },
}

function isName(host: string): boolean {
  return host.length <= 253 && /^[a-z0-9_]([a-z0-9_-]*[a-z0-9])?(\.[a-z0-9_]([a-z0-9_-]*[a-z0-9])?)*\.?$/i.test(host)
}
