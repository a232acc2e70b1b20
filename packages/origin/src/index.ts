export type { OriginEvent } from './events.ts'
export { Origin, type OriginComponents, type OriginInit, type OriginStatus } from './origin.ts'
export { ORIGIN_METRICS, ORIGIN_RULES } from './observation.ts'
export * from './publish/index.ts'
