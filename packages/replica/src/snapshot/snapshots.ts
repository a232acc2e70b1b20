import type { EngineState, PeerId } from '@cairn/ledger'
import type { ReplicaEvent } from '../events.ts'
import { SnapshotClient, type SnapshotClientInit } from './snapshot-client.ts'
import type { SnapshotMessage } from './snapshot-message.ts'
import { SnapshotServer, type SnapshotServerInit } from './snapshot-server.ts'

export interface SnapshotsInit
  extends SnapshotServerInit, Omit<SnapshotClientInit, 'known' | 'sources' | 'observe' | keyof SnapshotServerInit> {
  /** To look at: what this replica trusts, and whom it may ask. */
  readonly engine: EngineState
  readonly observe?: (event: ReplicaEvent) => void
}

/** Both ends of getting on by states instead of blocks. */
export class Snapshots {
  readonly #server: SnapshotServer
  readonly #client: SnapshotClient

  constructor(init: SnapshotsInit) {
    const { engine, observe } = init
    this.#server = new SnapshotServer(init)
    this.#client = new SnapshotClient({
      ...init,
      known: () => engine.epoch,
      sources: () => engine.sources,
      observe: (event) => observe?.(event),
    })
  }

  /** The oldest height that somebody still needs. */
  get heldHeight(): number | undefined {
    return this.#server.heldHeight
  }

  start(): void {
    this.#client.start()
  }

  stop(): void {
    this.#client.stop()
  }

  /** Waits for what is being put in place. */
  async settled(): Promise<void> {
    await this.#client.settled()
  }

  /** @throws {LedgerError} for a peer that says what is not true */
  hear(from: PeerId, message: SnapshotMessage): void {
    if (message.type === 'ask') this.#server.answer(from, message)
    else if (message.type === 'pages-wanted') this.#server.servePages(from, message)
    else this.#client.hear(from, message)
  }
}
