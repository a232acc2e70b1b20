import type { NetworkFault } from '../errors.ts'

/** What to tell a person of an error below us, by system code or error name. Nothing that these texts say is secret. */
const REASONS: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'connection refused',
  ECONNRESET: 'the connection was reset',
  EPIPE: 'the connection was reset',
  EHOSTUNREACH: 'the host cannot be reached',
  ENETUNREACH: 'the network cannot be reached',
  ETIMEDOUT: 'timed out',
  ENOTFOUND: 'the name does not resolve',
  EAI_AGAIN: 'the name does not resolve',
  EADDRINUSE: 'the port is in use',
  EACCES: 'permission denied',
  EADDRNOTAVAIL: 'the address does not belong to this machine',
  TimeoutError: 'timed out',
  AbortError: 'timed out',
  NoValidAddressesError: 'it is not a TCP address',
  TransportUnavailableError: 'it is not a TCP address',
  UnsupportedListenAddressError: 'it is not a TCP address',
  InvalidPeerIdError: 'that is this peer itself',
  StreamResetError: 'the connection was reset',
  DialDeniedError: 'the peer is banned',
  ConnectionInterceptedError: 'the peer is banned',
  ConnectionClosedError: 'the peer closed the connection',
  EncryptionFailedError: 'the peer broke off the handshake',
  MuxerUnavailableError: 'the peer broke off the handshake',
}

/** What noise and TLS say when somebody else than the expected peer has proved who it is. */
const WRONG_PEER = ['does not match expected remote identity key', 'Unexpected Peer']

/** Why a dial failed, in a few words. */
export function dialFailureReason(error: unknown): string {
  for (const each of flatten(error)) {
    // The handshake reports every failure under one name; only its text tells a wrong key from a broken connection.
    if (WRONG_PEER.some((text) => each.message.includes(text))) return 'another peer answers at that address'
    if (each.message.includes('dial self')) return 'that is this peer itself'
    const reason = REASONS[codeOf(each)] ?? REASONS[each.name]
    if (reason !== undefined) return reason
  }
  return 'the connection failed'
}

/** Which of the addresses could not be listened on, and why. libp2p tells it only in the text of its error. */
export function listenFault(error: unknown, addresses: readonly string[]): NetworkFault {
  const text = error instanceof Error ? error.message : ''
  for (const address of addresses) {
    const start = text.indexOf(`${address}: `)
    if (start === -1) continue
    const code = Object.keys(REASONS).find((code) => text.indexOf(code, start) !== -1)
    return { code: 'LISTEN_FAILED', address, reason: code === undefined ? 'it cannot be opened' : REASONS[code]! }
  }
  return { code: 'LISTEN_FAILED', address: addresses.join(', '), reason: 'it cannot be opened' }
}

/** An error, those it bundles, and their causes. */
function flatten(error: unknown): readonly Error[] {
  if (!(error instanceof Error)) return []
  const inner: readonly unknown[] = error instanceof AggregateError ? error.errors : []
  return [error, ...inner.flatMap(flatten), ...flatten(error.cause)]
}

function codeOf(error: Error): string {
  return 'code' in error && typeof error.code === 'string' ? error.code : ''
}
