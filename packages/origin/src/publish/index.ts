// Publishing alone, for a program that serves nothing: without what it takes to talk to peers, which is most of a short command's time.
export { OriginError, type OriginFault } from '../errors.ts'
export type { PublishEvent } from '../events.ts'
export { deltaSizes } from '../deltas/delta-sizes.ts'
export type { DeltaSummary } from '../deltas/make-deltas.ts'
export { type InitSummary, Workspace } from '../workspace.ts'
export { publish, type PublishInit, type PublishSummary } from './publish.ts'
