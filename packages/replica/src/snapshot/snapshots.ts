import type { PeerId } from '@cairn/ledger'
import { SnapshotClient, type SnapshotClientInit } from './snapshot-client.ts'
import type { SnapshotMessage } from './snapshot-message.ts'
import { SnapshotServer, type SnapshotServerInit } from './snapshot-server.ts'

/** Both ends of getting on by states instead of blocks. */
export class Snapshots {
  readonly #server: SnapshotServer
  readonly #client: SnapshotClient

  constructor(init: SnapshotServerInit & SnapshotClientInit) {
    this.#server = new SnapshotServer(init)
    this.#client = new SnapshotClient(init)
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
