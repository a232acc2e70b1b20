import type { EngineState } from '@cairn/ledger'
import type { SimulatedDisk } from './disk.ts'

/** What the checker looks at of one replica. */
export interface Replica {
  readonly node: number
  /** `undefined` while it is down. */
  readonly state: EngineState | undefined
  readonly disk: SimulatedDisk
}
