export { readEpochStart, readPoint, writeEpochStart, writePoint } from './fields.ts'
export { decodeMessage, encodeMessage, MESSAGE_BYTES_MAX, readItem, writeItem } from './message-codec.ts'
export * from './record-codec.ts'
