import type { ValueParser } from './parser.ts'

/** How a replica is reached, and the key that it signs with: what `ledger new-key` prints. */
export interface SeatKey {
  readonly peer: string
  readonly publicKey: Uint8Array
}

export interface SeatChange extends SeatKey {
  readonly seat: number
}

const SHAPE = /^([1-9A-HJ-NP-Za-km-z]{1,255})\/([0-9a-f]{64})$/

export const seatKey: ValueParser<SeatKey> = {
  accepts: 'PEER/KEY as `cairn ledger new-key` prints it',
  read(text) {
    const [, peer, key] = SHAPE.exec(text) ?? []
    return peer === undefined || key === undefined ? undefined : { peer, publicKey: new Uint8Array(Buffer.from(key, 'hex')) }
  },
}

export const seatChange: ValueParser<SeatChange> = {
  accepts: 'N=PEER/KEY, with PEER/KEY as `cairn ledger new-key` prints it',
  read(text) {
    const [, seat, rest] = /^(0|[1-9]\d?)=(.*)$/.exec(text) ?? []
    const key = rest === undefined ? undefined : seatKey.read(rest)
    return key === undefined ? undefined : { seat: Number(seat), ...key }
  },
}
