import type { PeerId } from '@cairn/network'
import type { Clock } from '@cairn/runtime'
import { readFileIfExists, StorageError, writeFileDurably } from '@cairn/storage'
import { decodeTrustState, encodeTrustState, fileOf, initialTrust, TrustError, type TrustState, TrustUpdate } from '@cairn/trust'
import { SwarmError } from './errors.ts'
import type { RefreshOutcome } from './metadata-refresh.ts'
import type { Participant } from './participant.ts'

export interface TrustKeeperInit {
  /** The state's file; the roots go beside it, to `<path>.roots`. Its directory is there, and nobody else writes to it. */
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
  /** Every root accepted here, by version: peers that were away follow them one by one. */
  #roots: ReadonlyMap<number, Uint8Array>
  #turn: Promise<unknown> = Promise.resolve()

  private constructor(path: string, state: TrustState, roots: ReadonlyMap<number, Uint8Array>) {
    this.#path = path
    this.#state = state
    this.#roots = roots
  }

  /**
   * Takes up the state at `path`, or begins one with `root`. Expiry of a stored state is no obstacle: it may still be served.
   *
   * The given root may be one that the stored state has gone through, or a later one of the same owners, which is then adopted.
   *
   * @throws {TrustError} when `root` is none, or is expired and nothing is stored
   * @throws {SwarmError} `OTHER_TRUST_ROOT`
   * @throws {StorageError} `CORRUPT`, `NO_SPACE`, `IO_FAILED`
   */
  static async open({ path, root, clock }: TrustKeeperInit): Promise<TrustKeeper> {
    const bytes = await readFileIfExists(path)
    const given = initialTrust(root, bytes === undefined ? clock.now() : Number.NEGATIVE_INFINITY)
    if (bytes === undefined) {
      const keeper = new TrustKeeper(path, given, new Map())
      await keeper.#store(given, [root])
      return keeper
    }
    const keeper = new TrustKeeper(path, readState(path, bytes), await readRoots(rootsPath(path)))
    await keeper.#reconcile(given)
    return keeper
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
      if (outcome.type !== 'no-answer') await this.#store(outcome.state, outcome.roots)
      return outcome
    })
    this.#turn = turn.catch(() => {})
    return turn
  }

  /** The bytes of metadata file `file` for a peer that asks: all of one refresh, so that they belong together, and the chain of roots. */
  async metadata(file: string): Promise<Uint8Array | undefined> {
    const { root, timestamp, snapshot, targets, ledgers } = this.#state
    const version = /^([1-9]\d{0,15})\.root\.json$/.exec(file)?.[1]
    // A root newer than the rest would have the peer refuse the rest.
    if (version !== undefined) return Number(version) <= versionOf(root) ? this.#roots.get(Number(version)) : undefined
    if (file === fileOf('timestamp')) return timestamp
    if (file === fileOf('snapshot')) return snapshot
    if (file === fileOf('targets')) return targets
    return Object.entries(ledgers).find(([ledger]) => fileOf(ledger) === file)?.[1]
  }

  /** Makes sure that the stored state and the `given` root are of one repository. */
  async #reconcile(given: TrustState): Promise<void> {
    const [found, wanted] = [versionOf(this.#state.root), versionOf(given.root)]
    if (wanted > found && isLater(this.#state, given.root)) return this.#store(withRoot(this.#state, given.root), [given.root])
    const seen = wanted === found ? this.#state.root : this.#roots.get(wanted)
    if (wanted > found || seen === undefined || Buffer.compare(seen, given.root) !== 0)
      throw new SwarmError({ code: 'OTHER_TRUST_ROOT', path: this.#path, found, given: wanted })
  }

  /** Roots first: those newer than the state are not served, whereas a missing one would break the chain for good. */
  async #store(state: TrustState, roots: readonly Uint8Array[]): Promise<void> {
    if (roots.length > 0) {
      const all = new Map([...this.#roots, ...roots.map((root) => [versionOf(root), root] as const)])
      await writeFileDurably(rootsPath(this.#path), encodeRoots(all))
      this.#roots = all
    }
    if (state === this.#state && roots.length === 0) return
    await writeFileDurably(this.#path, encodeTrustState(state))
    this.#state = state
  }
}

/**
 * Whether `root`, of any later version, is signed by the owners of `state`'s root.
 * An update checks signatures before versions: for a root further on than the next one it says `MIXED`, and `FORGED` for a stranger's.
 */
function isLater(state: TrustState, root: Uint8Array): boolean {
  const update = new TrustUpdate(state, Number.NEGATIVE_INFINITY, [])
  const next = update.next()
  try {
    if ('file' in next) update.supply(next.file, root)
    return true
  } catch (error) {
    if (!(error instanceof TrustError)) throw error
    return error.fault.code === 'MIXED'
  }
}

/** `state` under a later root that was handed over by hand, with the rest if that still verifies. */
function withRoot(state: TrustState, root: Uint8Array): TrustState {
  try {
    return decodeTrustState(encodeTrustState({ ...state, root }))
  } catch (error) {
    if (!(error instanceof TrustError)) throw error
    return { root, ledgers: {} }
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

function rootsPath(path: string): string {
  return `${path}.roots`
}

/** The texts of the roots in ascending order of version; their own signatures are the checksum. */
function encodeRoots(roots: ReadonlyMap<number, Uint8Array>): Uint8Array {
  const ascending = [...roots].sort(([a], [b]) => a - b)
  return Buffer.from(JSON.stringify(ascending.map(([, root]) => Buffer.from(root).toString())))
}

async function readRoots(path: string): Promise<ReadonlyMap<number, Uint8Array>> {
  const bytes = await readFileIfExists(path)
  if (bytes === undefined) return new Map()
  try {
    const texts = JSON.parse(Buffer.from(bytes).toString()) as readonly string[]
    return new Map(texts.map((text) => Buffer.from(text)).map((root) => [versionOf(root), root]))
  } catch (cause) {
    throw new StorageError({ code: 'CORRUPT', path, reason: 'not the roots of a trust state' }, { cause })
  }
}

/** The version of a root that was verified before. */
function versionOf(root: Uint8Array): number {
  return (JSON.parse(Buffer.from(root).toString()) as { readonly signed: { readonly version: number } }).signed.version
}
