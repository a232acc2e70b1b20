import type { Usage } from '../process.ts'

/** One thing that writes are sent to, as processes that run. */
export interface System extends AsyncDisposable {
  /** Makes a client of member `member`, which the members share out among them. */
  connect(member: number): Promise<Writer>
  /** What its members have done since they started, all of them together; what is not counted is left out. */
  work(): Promise<Work>
  readonly members: number
  usage(): Readonly<Record<string, Usage>>
}

export interface Work {
  readonly syncs?: number
  readonly messages?: number
  readonly heights?: number
}

export interface Writer {
  /** Writes `value` under `key`; resolves when it is acknowledged, which means durable on a quorum. */
  write(key: Uint8Array, value: Uint8Array): Promise<void>
  close(): void
}
