export { readPoint, writePoint } from './fields.ts'
export * from './message-codec.ts'
export * from './record-codec.ts'
