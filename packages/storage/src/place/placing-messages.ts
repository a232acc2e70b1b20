import type { ProtocolFault } from '@cairn/protocol/chunk'
import type { StorageFault } from '../errors.ts'
import type { PlacedFile } from './journal-codec.ts'
import type { AdoptedFile, AdoptJob, CopyJob, PlaceJob, ReadJob, ScanJob, ScannedPiece, TargetFile } from './placer.ts'

/** What the main thread asks of the placing thread, several at a time. */
export type PlacingRequest =
  | {
      readonly id: number
      readonly type: 'place'
      /** In the shared memory: the digest, and after it a frame of this length. */
      readonly offset: number
      readonly frameBytes: number
      readonly plainBytes: number
      readonly places: PlaceJob['places']
      readonly delta: PlaceJob['delta']
    }
  | { readonly id: number; readonly type: 'read'; readonly job: ReadJob }
  | { readonly id: number; readonly type: 'copy'; readonly job: CopyJob }
  | { readonly id: number; readonly type: 'adopt'; readonly job: AdoptJob }
  | { readonly id: number; readonly type: 'scan'; readonly job: ScanJob }
  | { readonly id: number; readonly type: 'make'; readonly file: TargetFile }
  | { readonly id: number; readonly type: 'sync'; readonly files: readonly TargetFile[] }
  | { readonly id: number; readonly type: 'forget'; readonly entry: number }
  | { readonly id: number; readonly type: 'release' }

/** What is given back for each request. */
export interface PlacingValues {
  readonly place: readonly PlacedFile[]
  readonly read: Uint8Array | undefined
  readonly copy: readonly PlacedFile[] | undefined
  readonly adopt: AdoptedFile | undefined
  readonly scan: ScannedPiece | undefined
  readonly make: readonly PlacedFile[]
  readonly sync: undefined
  readonly forget: undefined
  readonly release: undefined
}

/** Placements are answered in the order in which they were asked for. */
export type PlacingReply = { readonly id: number } & (
  | { readonly value: PlacingValues[PlacingRequest['type']] }
  | { readonly fault: { readonly of: 'protocol'; readonly is: ProtocolFault } | { readonly of: 'storage'; readonly is: StorageFault } }
  | { readonly error: string }
)
