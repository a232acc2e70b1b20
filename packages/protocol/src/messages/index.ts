export * from './limits.ts'
export { isAddressText, isMetadataFile, isName, isRegion } from '../names.ts'
export { availabilityTopic, CONTROL_PROTOCOL, EXCHANGE_PROTOCOL, headsTopic } from './topics.ts'
export { decodeDeltaSizes, encodeDeltaSizes } from './delta-sizes.ts'
export {
  type BasisMessage,
  type CancelMessage,
  type DataMessage,
  decodeExchange,
  encodeData,
  encodeExchange,
  type ExchangeMessage,
  type Position,
  REFUSE_CODES,
  type RefuseCode,
  type RefuseMessage,
  type WantMessage,
} from './exchange.ts'
export {
  CONTROL_ERROR_CODES,
  type ControlErrorCode,
  type ControlMessage,
  decodeControl,
  type DeltasMessage,
  type DeltasReplyMessage,
  encodeControl,
  type ErrorMessage,
  type HaveMessage,
  type HaveReplyMessage,
  type HaveUpdateMessage,
  type MetadataMessage,
  type MetadataReplyMessage,
  type PeersMessage,
  type PeersReplyMessage,
  type SubscribeMessage,
} from './control.ts'
export {
  type AvailabilityAnnouncement,
  availabilityFreshness,
  decodeAvailability,
  decodeHeads,
  encodeAvailability,
  encodeHeads,
  type Freshness,
  type HeadsAnnouncement,
} from './announcements.ts'
