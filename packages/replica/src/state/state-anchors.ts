import { ByteReader, ByteWriter, LedgerError } from '@cairn/ledger'
import type { ReplicaLog } from '../log/log.ts'

/** What the superblock says of the state; the log and the state are worth something together only. */
export interface StateAnchor {
  /** Height of the snapshot that the state goes back to; 0 for one that goes back to the first block. */
  readonly installed: number
  /** The newest checkpoint for whose sake the log has forgotten something: a state that does not have it has been lost. */
  readonly forgotten: number
}

const ANCHOR_VERSION = 1

/** The anchor of the state, with the changes that were made last: they may be on their way to the disk, one behind the other. */
export class StateAnchors {
  readonly #log: ReplicaLog
  #anchor: StateAnchor

  /** @throws {LedgerError} `MALFORMED` */
  constructor(log: ReplicaLog) {
    this.#log = log
    this.#anchor = decode(log.anchor)
  }

  get anchor(): StateAnchor {
    return this.#anchor
  }

  /** The anchor with these changes, in its bytes, for whoever writes it at once. */
  with(changes: Partial<StateAnchor>): Uint8Array {
    this.#anchor = { ...this.#anchor, ...changes }
    return new ByteWriter(17).u8(ANCHOR_VERSION).u64(this.#anchor.installed).u64(this.#anchor.forgotten).finish()
  }

  /** Resolves when the anchor with these changes is on disk. @throws {ReplicaError} `LOG_FAILED`, `CLOSED` */
  async set(changes: Partial<StateAnchor>): Promise<void> {
    await this.#log.setAnchor(this.with(changes))
  }
}

/** version u8 | installed u64 | forgotten u64; nothing at all before the first of them. */
function decode(bytes: Uint8Array): StateAnchor {
  if (bytes.byteLength === 0) return { installed: 0, forgotten: 0 }
  const reader = new ByteReader(bytes, 'anchor of the state')
  const version = reader.u8()
  if (version !== ANCHOR_VERSION) throw new LedgerError({ code: 'MALFORMED', what: 'anchor of the state', reason: `version ${version}` })
  const anchor = { installed: reader.u64(), forgotten: reader.u64() }
  reader.end()
  return anchor
}
