import type { PeerId } from '@cairn/network'
import type { Clock } from '@cairn/runtime'
import { readFileIfExists, StorageError, writeFileDurably } from '@cairn/storage'
import { decodeTrustState, encodeTrustState, initialTrust, isFoundedOn, metadataFile, TrustError, type TrustState } from '@cairn/trust'
import { SwarmError } from './errors.ts'
import type { RefreshOutcome } from './metadata-refresh.ts'
import type { Participant } from './participant.ts'

export interface TrustKeeperInit {
  /** The state's file. Its directory is there, and nobody else writes to it. */
  readonly path: string
  /** The `root.json` that trust starts from. */
  readonly root: Uint8Array
  readonly clock: Clock
}

/**
 * The trust metadata that a participant has accepted: kept on disk, made newer by asking peers, and served to others.
 *
 * What was accepted once is the floor for all that follows, also after a restart: it is on disk before it is used.
 */
export class TrustKeeper {
  readonly #path: string
  #state: TrustState
  #turn: Promise<unknown> = Promise.resolve()

  private constructor(path: string, state: TrustState) {
    this.#path = path
    this.#state = state
  }

  /**
   * Takes up the state at `path`, or begins one with `root`; nothing is written before something was accepted, so that a root
   * given by mistake leaves no trace. Expiry of a stored state is no obstacle: it may still be served.
   *
   * @throws {TrustError} when `root` is none, or is expired and nothing is stored
   * @throws {SwarmError} `OTHER_TRUST_ROOT` when what is stored does not go back to `root`
   * @throws {StorageError} `CORRUPT`, `IO_FAILED`
   */
  static async open({ path, root, clock }: TrustKeeperInit): Promise<TrustKeeper> {
    const bytes = await readFileIfExists(path)
    if (bytes === undefined) return new TrustKeeper(path, initialTrust(root, clock.now()))
    const state = readState(path, bytes)
    // Read as a root first: for what is none, that is the better sentence.
    initialTrust(root, Number.NEGATIVE_INFINITY)
    if (!isFoundedOn(state, root)) throw new SwarmError({ code: 'OTHER_TRUST_ROOT', path })
    return new TrustKeeper(path, state)
  }

  get state(): TrustState {
    return this.#state
  }

  /**
   * Asks peers, `first` before the others, for metadata newer than {@link state}; resolves when what was accepted is on disk.
   * Calls take turns.
   *
   * @throws {StorageError} `NO_SPACE`, `IO_FAILED`; the state stays what it was
   */
  refresh(participant: Pick<Participant, 'refresh'>, ledgers: readonly string[] | 'all', first?: PeerId): Promise<RefreshOutcome> {
    const turn = this.#turn.then(async () => {
      const outcome = await participant.refresh(this.#state, ledgers, first)
      if (outcome.type !== 'no-answer' && outcome.state !== this.#state) {
        await writeFileDurably(this.#path, encodeTrustState(outcome.state))
        this.#state = outcome.state
      }
      return outcome
    })
    this.#turn = turn.catch(() => {})
    return turn
  }

  /** The bytes of metadata file `file` for a peer that asks: all of one refresh, so that they belong together, and the chain of roots. */
  async metadata(file: string): Promise<Uint8Array | undefined> {
    return metadataFile(this.#state, file)
  }
}

function readState(path: string, bytes: Uint8Array): TrustState {
  try {
    return decodeTrustState(bytes)
  } catch (cause) {
    if (!(cause instanceof TrustError) || cause.fault.code === 'UNSUPPORTED_VERSION') throw cause
    throw new StorageError({ code: 'CORRUPT', path, reason: cause.message }, { cause })
  }
}
