import { describe, it } from 'node:test'
import {
  decodeAvailability,
  decodeControl,
  decodeExchange,
  decodeHeads,
  encodeAvailability,
  encodeControl,
  encodeExchange,
  encodeHeads,
} from '../../src/messages/index.ts'
import { availabilityAnnouncement, controlMessage, exchangeMessage, headsAnnouncement } from './arbitraries.ts'
import { assertRoundTrip, assertStrict } from './codec-laws.ts'

describe('decode(encode(m)) equals m', () => {
  it('for exchange messages', () => assertRoundTrip({ encode: encodeExchange, decode: decodeExchange }, exchangeMessage))
  it('for control messages', () => assertRoundTrip({ encode: encodeControl, decode: decodeControl }, controlMessage))
  it('for heads announcements', () => assertRoundTrip({ encode: encodeHeads, decode: decodeHeads }, headsAnnouncement))
  it('for availability announcements', () =>
    assertRoundTrip({ encode: encodeAvailability, decode: decodeAvailability }, availabilityAnnouncement))
})

describe('damaged bytes are refused, or are the one encoding of another message', () => {
  it('for exchange messages', () => assertStrict({ encode: encodeExchange, decode: decodeExchange }, exchangeMessage))
  it('for control messages', () => assertStrict({ encode: encodeControl, decode: decodeControl }, controlMessage))
  it('for heads announcements', () => assertStrict({ encode: encodeHeads, decode: decodeHeads }, headsAnnouncement))
  it('for availability announcements', () =>
    assertStrict({ encode: encodeAvailability, decode: decodeAvailability }, availabilityAnnouncement))
})
