/** What went wrong on the way to or from a peer. */
export type NetworkFault =
  | { readonly code: 'DIAL_FAILED'; readonly address: string; readonly reason: string }
  | { readonly code: 'LISTEN_FAILED'; readonly address: string; readonly reason: string }
  | { readonly code: 'BAD_ADDRESS'; readonly address: string }
  | { readonly code: 'NOT_CONNECTED'; readonly peer: string }
  | { readonly code: 'UNSUPPORTED_PROTOCOL'; readonly peer: string; readonly protocol: string }
  | { readonly code: 'BANNED'; readonly peer: string }
  | { readonly code: 'CHANNEL_CLOSED'; readonly peer: string; readonly reason: string }
  | { readonly code: 'FRAME_TOO_LARGE'; readonly peer: string; readonly bytes: number; readonly bytesMax: number }
  | { readonly code: 'BAD_KEY'; readonly path: string }
  | { readonly code: 'STOPPED' }

export class NetworkError extends Error {
  override readonly name = 'NetworkError'
  readonly fault: NetworkFault

  constructor(fault: NetworkFault, options?: { readonly cause?: unknown }) {
    super(describe(fault), options)
    this.fault = fault
  }
}

function describe(fault: NetworkFault): string {
  switch (fault.code) {
    case 'DIAL_FAILED':
      return `cannot reach ${fault.address}: ${fault.reason}`
    case 'LISTEN_FAILED':
      return `cannot listen on ${fault.address}: ${fault.reason}`
    case 'BAD_ADDRESS':
      return `${fault.address} is not a multiaddr`
    case 'NOT_CONNECTED':
      return `not connected to ${fault.peer}`
    case 'UNSUPPORTED_PROTOCOL':
      return `${fault.peer} does not speak ${fault.protocol}`
    case 'BANNED':
      return `${fault.peer} is banned`
    case 'CHANNEL_CLOSED':
      return `channel with ${fault.peer} closed: ${fault.reason}`
    case 'FRAME_TOO_LARGE':
      return `${fault.peer} sent a frame of ${fault.bytes} bytes, ${fault.bytesMax} is the most`
    case 'BAD_KEY':
      return `${fault.path} does not hold a peer key`
    case 'STOPPED':
      return 'the transport has stopped'
    default:
      return fault satisfies never
  }
}
