import { existsSync } from 'node:fs'
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { type Clock, sleep } from '@cairn/runtime'
import { DirectoryLock, openFsBlockStore, readFileIfExists, StorageError, writeFileDurably } from '@cairn/storage'
import {
  addRelease,
  delegatedKeys,
  fileOf,
  isLedgerName,
  newLedger,
  newRoot,
  newSnapshot,
  newTargets,
  newTimestamp,
  type Release,
  type RoleKeys,
  releases,
  rootFileOf,
  type Signer,
  type TrustState,
} from '@cairn/trust'
import { z } from 'zod'
import { OriginError } from './errors.ts'
import { createKey, keyPath, loadKey } from './keys.ts'
import {
  LEDGER_VALID_MS,
  LOCK_PATIENCE_MS,
  LOCK_RETRY_MS,
  ROOT_VALID_MS,
  SNAPSHOT_VALID_MS,
  TARGETS_VALID_MS,
  TIMESTAMP_VALID_MS,
} from './limits.ts'

const WORKSPACE_VERSION = 1

const workspaceSchema = z.strictObject({
  version: z.number().int(),
  network: z.string(),
  ledgers: z.array(z.string()),
  /** Directories that chunks are served from instead of being copied, by snapshot. */
  references: z.record(z.string(), z.string()),
})

type WorkspaceFile = z.infer<typeof workspaceSchema>

/** Signs snapshot and timestamp: the one key a running origin needs. */
const ONLINE_ROLE = 'online'

export interface InitSummary {
  readonly rootPath: string
  /** Private keys that nothing needs from day to day: whoever has them can replace all others. */
  readonly offlineKeyPaths: readonly string[]
  readonly onlineKeyPaths: readonly string[]
}

/**
 * A release engineer's working directory: `workspace.json`, `root.json` (what caches and nodes are given), `metadata/`, `keys/`, `blocks/`.
 *
 * Files are replaced one at a time and durably, `timestamp.json` last: what it does not mention is not published.
 */
export class Workspace {
  readonly path: string
  readonly #clock: Clock
  #file: WorkspaceFile

  private constructor(path: string, clock: Clock, file: WorkspaceFile) {
    this.path = path
    this.#clock = clock
    this.#file = file
  }

  /**
   * Makes a workspace with keys and metadata for `ledger`, or adds `ledger` to the one that is there.
   *
   * @throws {OriginError} `WORKSPACE_EXISTS` if it has that ledger, `BAD_NAME`, `KEY_MISSING`
   */
  static async init(
    path: string,
    options: { readonly ledger: string; readonly network: string; readonly clock: Clock },
  ): Promise<InitSummary> {
    const { ledger, network, clock } = options
    if (!isLedgerName(ledger)) throw new OriginError({ code: 'BAD_NAME', what: 'ledger', name: ledger })
    const existing = await readFileIfExists(join(path, 'workspace.json'))
    if (existing !== undefined) return (await Workspace.open(path, clock)).#addLedger(ledger, network)
    const workspace = new Workspace(path, clock, { version: WORKSPACE_VERSION, network, ledgers: [], references: {} })
    return workspace.#create(ledger)
  }

  /** @throws {OriginError} `NOT_A_WORKSPACE`, `UNSUPPORTED_WORKSPACE` */
  static async open(path: string, clock: Clock): Promise<Workspace> {
    return new Workspace(path, clock, await readWorkspaceFile(path))
  }

  get network(): string {
    return this.#file.network
  }

  get ledgers(): readonly string[] {
    return this.#file.ledgers
  }

  get blocksPath(): string {
    return join(this.path, 'blocks')
  }

  /** Sketches of the chunks of each snapshot. */
  get sketchesPath(): string {
    return join(this.path, 'sketches')
  }

  /** What leads from one snapshot to another. */
  get deltasPath(): string {
    return join(this.path, 'deltas')
  }

  get peerKeyPath(): string {
    return join(this.#keysPath, 'peer.key')
  }

  /** Directory that the chunks of `snapshot` are served from, if they were not copied. */
  referenceOf(snapshot: string): string | undefined {
    return this.#file.references[snapshot]
  }

  /** The signed metadata that stands now. Another process may have signed it since the last call. */
  async trustState(): Promise<TrustState> {
    this.#file = await readWorkspaceFile(this.path)
    const [root, timestamp, snapshot, targets, ...ledgers] = await Promise.all([
      this.#read('root'),
      this.#read('timestamp'),
      this.#read('snapshot'),
      this.#read('targets'),
      ...this.ledgers.map((ledger) => this.#read(ledger)),
    ])
    return { root, timestamp, snapshot, targets, ledgers: Object.fromEntries(this.ledgers.map((ledger, i) => [ledger, ledgers[i]!])) }
  }

  /** The bytes of metadata file `file`, whichever it is, or `undefined`. `file` is a plain file name. */
  metadataFile(file: string): Promise<Uint8Array | undefined> {
    return readFileIfExists(join(this.#metadataPath, file))
  }

  /** @throws {OriginError} `UNKNOWN_LEDGER` */
  async releasesOf(ledger: string): Promise<readonly Release[]> {
    if (!this.ledgers.includes(ledger)) throw new OriginError({ code: 'UNKNOWN_LEDGER', ledger, known: this.ledgers })
    return releases(await this.trustState(), ledger)
  }

  /**
   * Signs `release` and everything above it. Publishing the same again signs nothing but a fresh timestamp.
   *
   * @throws {TrustError} `CONFLICT` if the height has another manifest and `replace` is not set
   * @throws {OriginError} `KEY_MISSING`
   */
  async release(release: Release, options: { readonly replace: boolean; readonly reference?: string }): Promise<void> {
    const [ledgerKey, onlineKey] = [await this.#load(ledgerRole(release.ledger)), await this.#load(ONLINE_ROLE)]
    using _lock = await this.#lockMetadata()
    const before = await this.#read(release.ledger)
    const after = addRelease({
      previous: before,
      release,
      replace: options.replace,
      expiresAt: this.#clock.now() + LEDGER_VALID_MS,
      signers: [ledgerKey],
    })
    if (options.reference !== undefined) await this.#refer(release.manifest.toString(), options.reference)
    await this.#write(release.ledger, after)
    await this.#signSnapshot(onlineKey, { [release.ledger]: after })
  }

  /** Whether the online key is here, so that {@link renewTimestamp} can sign. */
  get canRenew(): boolean {
    return existsSync(keyPath(this.#keysPath, ONLINE_ROLE))
  }

  /**
   * Signs a fresh snapshot and timestamp over what is published; needs the online key only.
   * Resolves to false when another process is signing, which makes this needless.
   *
   * @throws {OriginError} `KEY_MISSING`
   */
  async renewTimestamp(): Promise<boolean> {
    try {
      using _lock = DirectoryLock.acquire(this.#metadataPath)
      await this.#signSnapshot(await this.#load(ONLINE_ROLE), {})
      return true
    } catch (error) {
      if (error instanceof StorageError && error.fault.code === 'LOCKED') return false
      throw error
    }
  }

  async #create(ledger: string): Promise<InitSummary> {
    await mkdir(this.#metadataPath, { recursive: true })
    await mkdir(this.#keysPath, { recursive: true, mode: 0o700 })
    // An origin may be started before the first publication: it reads this store.
    await (await openFsBlockStore({ path: this.blocksPath, clock: this.#clock })).close()
    const now = this.#clock.now()
    const root = await createKey(this.#keysPath, 'root')
    const targets = await createKey(this.#keysPath, 'targets')
    const online = await createKey(this.#keysPath, ONLINE_ROLE)
    const roles = { root: only(root), targets: only(targets), snapshot: only(online), timestamp: only(online) }
    const rootJson = newRoot({ roles, expiresAt: now + ROOT_VALID_MS, signers: [root] })
    await this.#write('root', rootJson)
    await writeFileDurably(join(this.#metadataPath, rootFileOf(1)), rootJson)
    await writeFileDurably(join(this.path, 'root.json'), rootJson)
    const summary = await this.#writeLedgers([ledger], ledger)
    return { ...summary, offlineKeyPaths: [keyPath(this.#keysPath, 'root'), ...summary.offlineKeyPaths] }
  }

  async #addLedger(ledger: string, network: string): Promise<InitSummary> {
    if (network !== this.network) throw new OriginError({ code: 'OTHER_NETWORK', path: this.path, found: this.network, wanted: network })
    if (this.ledgers.includes(ledger)) throw new OriginError({ code: 'WORKSPACE_EXISTS', path: this.path, ledger })
    return this.#writeLedgers([...this.ledgers, ledger], ledger)
  }

  /** Waits for another process that is signing: an origin's renewal takes milliseconds. */
  async #lockMetadata(): Promise<DirectoryLock> {
    const startedMs = this.#clock.monotonicMs()
    for (;;) {
      try {
        return DirectoryLock.acquire(this.#metadataPath)
      } catch (error) {
        const isHeld = error instanceof StorageError && error.fault.code === 'LOCKED'
        if (!isHeld || this.#clock.monotonicMs() - startedMs > LOCK_PATIENCE_MS) throw error
        await sleep(this.#clock, LOCK_RETRY_MS)
      }
    }
  }

  /** Delegates to `ledgers`, of which `added` is new, and signs everything below the root. */
  async #writeLedgers(ledgers: readonly string[], added: string): Promise<InitSummary> {
    const now = this.#clock.now()
    const targetsKey = await this.#load('targets')
    const ledgerKey = await createKey(this.#keysPath, ledgerRole(added))
    const previous = await this.#readIfExists('targets')
    // The other ledgers' private keys may be elsewhere: their public halves are in the file that is succeeded.
    const delegations = { ...(previous === undefined ? {} : delegatedKeys(previous)), [added]: only(ledgerKey) }
    const targets = newTargets({
      ...(previous === undefined ? {} : { previous }),
      ledgers: delegations,
      expiresAt: now + TARGETS_VALID_MS,
      signers: [targetsKey],
    })
    const first = newLedger({ ledger: added, releases: [], expiresAt: now + LEDGER_VALID_MS, signers: [ledgerKey] })
    await this.#write('targets', targets)
    await this.#write(added, first)
    await this.#signSnapshot(await this.#load(ONLINE_ROLE), { [added]: first }, targets)
    await this.#save({ ...this.#file, ledgers })
    return {
      rootPath: join(this.path, 'root.json'),
      offlineKeyPaths: [keyPath(this.#keysPath, 'targets')],
      onlineKeyPaths: [keyPath(this.#keysPath, ledgerRole(added)), keyPath(this.#keysPath, ONLINE_ROLE)],
    }
  }

  /** The timestamp goes last: until it is there, clients see the old set. */
  async #signSnapshot(online: Signer, ledgers: Readonly<Record<string, Uint8Array>>, targets?: Uint8Array): Promise<void> {
    const now = this.#clock.now()
    const before = await this.#readIfExists('snapshot')
    const snapshot = newSnapshot({
      ...(before === undefined ? {} : { previous: before }),
      ...(targets === undefined ? {} : { targets }),
      ledgers,
      expiresAt: now + SNAPSHOT_VALID_MS,
      signers: [online],
    })
    const previous = await this.#readIfExists('timestamp')
    const timestamp = newTimestamp({
      ...(previous === undefined ? {} : { previous }),
      snapshot,
      expiresAt: now + TIMESTAMP_VALID_MS,
      signers: [online],
    })
    await this.#write('snapshot', snapshot)
    await this.#write('timestamp', timestamp)
  }

  #refer(snapshot: string, directory: string): Promise<void> {
    return this.#save({ ...this.#file, references: { ...this.#file.references, [snapshot]: directory } })
  }

  async #save(file: Omit<WorkspaceFile, 'ledgers'> & { readonly ledgers: readonly string[] }): Promise<void> {
    this.#file = { ...file, ledgers: [...file.ledgers] }
    await writeFileDurably(join(this.path, 'workspace.json'), Buffer.from(`${JSON.stringify(this.#file, undefined, 2)}\n`))
  }

  get #metadataPath(): string {
    return join(this.path, 'metadata')
  }

  get #keysPath(): string {
    return join(this.path, 'keys')
  }

  #load(role: string): Promise<Signer> {
    return loadKey(this.#keysPath, role)
  }

  #readIfExists(role: string): Promise<Uint8Array | undefined> {
    return readFileIfExists(join(this.#metadataPath, fileOf(role)))
  }

  async #read(role: string): Promise<Uint8Array> {
    const bytes = await this.#readIfExists(role)
    if (bytes === undefined) throw new OriginError({ code: 'NOT_A_WORKSPACE', path: this.path })
    return bytes
  }

  #write(role: string, bytes: Uint8Array): Promise<void> {
    return writeFileDurably(join(this.#metadataPath, fileOf(role)), bytes)
  }
}

function only(key: Signer): RoleKeys {
  return { keys: [key], threshold: 1 }
}

function ledgerRole(ledger: string): string {
  return `ledger-${ledger}`
}

async function readWorkspaceFile(path: string): Promise<WorkspaceFile> {
  const bytes = await readFileIfExists(join(path, 'workspace.json'))
  if (bytes === undefined) throw new OriginError({ code: 'NOT_A_WORKSPACE', path })
  let json: unknown
  try {
    json = JSON.parse(Buffer.from(bytes).toString())
  } catch (cause) {
    throw new OriginError({ code: 'NOT_A_WORKSPACE', path }, { cause })
  }
  const parsed = workspaceSchema.safeParse(json)
  if (!parsed.success) throw new OriginError({ code: 'NOT_A_WORKSPACE', path }, { cause: parsed.error })
  if (parsed.data.version !== WORKSPACE_VERSION) {
    throw new OriginError({ code: 'UNSUPPORTED_WORKSPACE', path, found: parsed.data.version, supported: WORKSPACE_VERSION })
  }
  return parsed.data
}
