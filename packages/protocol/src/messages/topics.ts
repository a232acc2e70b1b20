import { ProtocolError } from '../errors.ts'
import { CONTROL_FRAME_BYTES_MAX, EXCHANGE_FRAME_BYTES_MAX } from './limits.ts'
import { isName } from '../names.ts'

/** Bulk transfer: four channels keep a fast peer busy while one of them waits for a slow block. */
export const EXCHANGE_PROTOCOL = {
  name: '/cairn/exchange/3',
  frameBytesMax: EXCHANGE_FRAME_BYTES_MAX,
  channelsPerPeerMax: 4,
} as const

/** Metadata, bitmaps and addresses, apart from bulk so that they never queue behind it. */
export const CONTROL_PROTOCOL = {
  name: '/cairn/control/2',
  frameBytesMax: CONTROL_FRAME_BYTES_MAX,
  channelsPerPeerMax: 1,
} as const

/**
 * Where the signed heads of `ledger` are announced.
 *
 * @throws {ProtocolError} `MALFORMED` if either is not a name
 */
export function headsTopic(network: string, ledger: string): string {
  return topic(network, 'heads', ledger)
}

/**
 * Where peers announce which snapshots of `ledger` they hold.
 *
 * @throws {ProtocolError} `MALFORMED` if either is not a name
 */
export function availabilityTopic(network: string, ledger: string): string {
  return topic(network, 'availability', ledger)
}

function topic(network: string, kind: 'heads' | 'availability', ledger: string): string {
  for (const name of [network, ledger]) {
    if (!isName(name)) throw new ProtocolError({ code: 'MALFORMED', what: 'topic', reason: `${JSON.stringify(name)} is not a name` })
  }
  return `/cairn/1/${network}/${kind}/${ledger}`
}
