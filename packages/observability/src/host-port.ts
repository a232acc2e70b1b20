import { isIP, isIPv6 } from 'node:net'
import { ObservabilityError } from './errors.ts'

/** Where an HTTP server listens. `host` is without brackets; port 0 takes any free one. */
export interface HostPort {
  readonly host: string
  readonly port: number
}

/** Nothing is offered to other machines unless they are named. */
export const HOST_DEFAULT = '127.0.0.1'

const HOST_NAME = /^(?=.{1,253}$)[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)*$/i

/**
 * Reads `9000`, `:9000`, `127.0.0.1:9000`, `localhost:9000` or `[::1]:9000`; without a host it is {@link HOST_DEFAULT}.
 *
 * @throws {ObservabilityError} `BAD_ADDRESS`
 */
export function parseHostPort(text: string): HostPort {
  const refuse = (reason: string): never => {
    throw new ObservabilityError({ code: 'BAD_ADDRESS', text, reason })
  }
  const match = /^(?:(?:\[([^\]]*)\]|([^:]*)):)?(\d{1,5})$/.exec(text.trim())
  if (match === null) return refuse(isIP(text) === 0 ? 'it must be HOST:PORT, :PORT or PORT' : 'it has no port')
  const [, bracketed, plain, digits] = match
  const port = Number(digits)
  if (port > 65535) return refuse('ports end at 65535')
  if (bracketed !== undefined) return isIPv6(bracketed) ? { host: bracketed, port } : refuse('what is in brackets is not an IPv6 address')
  if (plain === undefined || plain === '') return { host: HOST_DEFAULT, port }
  // Digits and dots that are no IPv4 address are a slip of the finger and not the name of a machine.
  const isHost = /^[\d.]+$/.test(plain) ? isIP(plain) !== 0 : HOST_NAME.test(plain)
  return isHost ? { host: plain, port } : refuse('its host is neither an address nor a name')
}

/** The text that {@link parseHostPort} reads back. */
export function formatHostPort({ host, port }: HostPort): string {
  return `${isIPv6(host) ? `[${host}]` : host}:${port}`
}
