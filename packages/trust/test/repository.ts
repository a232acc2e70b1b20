import { createPrivateKey } from 'node:crypto'
import { METADATA_BYTES_MAX, pageCid, parseCid } from '@cairn/protocol'
import { encodeCanonical, type JsonObject } from '../src/canonical-json.ts'
import {
  addRelease,
  createSigner,
  newRoot,
  newSnapshot,
  newTargets,
  newTimestamp,
  type Release,
  type RoleKeys,
  rootFileOf,
  type Signer,
  type TrustState,
  TrustUpdate,
} from '../src/index.ts'

const DAY_MS = 86_400_000
/** The moment at which the tests take place. */
export const NOW = Date.UTC(2027, 0, 1)
export const NEXT_YEAR = NOW + 365 * DAY_MS
export const TOMORROW = NOW + DAY_MS

/** Metadata files by name, as a source would serve them. */
export type Files = Record<string, Uint8Array>

/** The key that a seed of 32 equal bytes makes. */
export function seedSigner(seed: number): Signer {
  const pkcs8 = Buffer.concat([Buffer.from('302e020100300506032b657004220420', 'hex'), Buffer.alloc(32, seed)])
  return createSigner(createPrivateKey({ key: pkcs8, format: 'der', type: 'pkcs8' }))
}

export const KEYS = {
  root: seedSigner(1),
  targets: seedSigner(2),
  snapshot: seedSigner(3),
  timestamp: seedSigner(4),
  alpha: seedSigner(5),
  beta: seedSigner(6),
  spare: seedSigner(7),
  stranger: seedSigner(99),
}

export function only(...keys: readonly Signer[]): RoleKeys {
  return { keys, threshold: keys.length }
}

export const ROLES = { root: only(KEYS.root), targets: only(KEYS.targets), snapshot: only(KEYS.snapshot), timestamp: only(KEYS.timestamp) }

export function release(ledger: string, height: number, channels: readonly string[] = [], content = `${ledger}/${height}`): Release {
  const block = Buffer.from(content)
  return {
    ledger,
    height,
    manifest: parseCid(pageCid(block).toString()),
    manifestBytes: block.byteLength,
    channels,
    totalBytes: 1000 + height,
    chunks: 10,
  }
}

/**
 * What a publisher keeps: every file, and a method per thing that may happen to it.
 * Begins with ledgers `alpha` (heights 1, stable, and 2, canary) and `beta` (height 7, stable).
 */
export class Repository {
  readonly files: Files = {}

  constructor() {
    this.files['root.json'] = newRoot({ roles: ROLES, expiresAt: NEXT_YEAR, signers: [KEYS.root] })
    this.files['1.root.json'] = this.files['root.json']
    const ledgers = { alpha: only(KEYS.alpha), beta: only(KEYS.beta) }
    this.files['targets.json'] = newTargets({ ledgers, expiresAt: NEXT_YEAR, signers: [KEYS.targets] })
    this.add(release('alpha', 1, ['stable']))
    this.add(release('alpha', 2, ['canary']))
    this.add(release('beta', 7, ['stable']))
    this.publish()
  }

  get root(): Uint8Array {
    return this.files['root.json']!
  }

  add(release: Release, replace = false): void {
    const file = `${release.ledger}.json`
    const signers = [KEYS[release.ledger as 'alpha' | 'beta']]
    this.files[file] = addRelease({ ...this.#previous(file), release, replace, expiresAt: NEXT_YEAR, signers })
  }

  /** Signs snapshot and timestamp over whatever the other files are by now. */
  publish(): void {
    const ledgers = Object.fromEntries(['alpha', 'beta'].map((ledger) => [ledger, this.files[`${ledger}.json`]!]))
    const { 'targets.json': targets } = this.files
    this.files['snapshot.json'] = newSnapshot({
      ...this.#previous('snapshot.json'),
      targets: targets!,
      ledgers,
      expiresAt: NEXT_YEAR,
      signers: [KEYS.snapshot],
    })
    this.stamp()
  }

  stamp(expiresAt = TOMORROW): void {
    const snapshot = this.files['snapshot.json']!
    this.files['timestamp.json'] = newTimestamp({ ...this.#previous('timestamp.json'), snapshot, expiresAt, signers: [KEYS.timestamp] })
  }

  /** Publishes a successor of the root. */
  rotate(roles: typeof ROLES, signers: readonly Signer[], expiresAt = NEXT_YEAR): void {
    const root = newRoot({ previous: this.root, roles, expiresAt, signers })
    const version = fields(root)['version'] as number
    this.files['root.json'] = root
    this.files[rootFileOf(version)] = root
  }

  /**
   * The files with `changes`, listed by version alone, as TUF permits: only signatures, versions and shapes are left
   * to notice what was changed.
   */
  unpinned(changes: Files = {}): Files {
    const files: Files = { ...this.files, ...changes }
    const listed = ['targets.json', 'alpha.json', 'beta.json'].map((name) => [name, { version: fields(this.files[name]!)['version']! }])
    files['snapshot.json'] =
      changes['snapshot.json'] ?? amend(this.files['snapshot.json']!, { meta: Object.fromEntries(listed) }, [KEYS.snapshot])
    const meta = { 'snapshot.json': { version: fields(this.files['snapshot.json']!)['version']! } }
    files['timestamp.json'] = changes['timestamp.json'] ?? amend(this.files['timestamp.json']!, { meta }, [KEYS.timestamp])
    return files
  }

  copy(): Files {
    return { ...this.files }
  }

  #previous(file: string): { previous?: Uint8Array } {
    const previous = this.files[file]
    return previous === undefined ? {} : { previous }
  }
}

/** The fields of a file's `signed`. */
export function fields(bytes: Uint8Array): JsonObject {
  return (JSON.parse(Buffer.from(bytes).toString()) as { signed: JsonObject }).signed
}

/** Signs any statement at all: what a signer could do that `src/build` would not. */
export function signAnything(signed: JsonObject, signers: readonly Signer[]): Uint8Array {
  const statement = encodeCanonical(signed)
  const sorted = [...signers].sort((a, b) => (a.keyId < b.keyId ? -1 : 1))
  return encodeCanonical({
    signatures: sorted.map((signer) => ({ keyid: signer.keyId, sig: Buffer.from(signer.sign(statement)).toString('hex') })),
    signed,
  })
}

/** `bytes` with fields of `signed` replaced, properly signed again. */
export function amend(bytes: Uint8Array, changes: JsonObject, signers: readonly Signer[]): Uint8Array {
  return signAnything({ ...fields(bytes), ...changes }, signers)
}

/** Runs an update against one source. `asked` collects the files that it wanted. */
export function update(
  state: TrustState,
  files: Files,
  init: { now?: number; ledgers?: readonly string[] | 'all'; asked?: string[] } = {},
): TrustState {
  const machine = new TrustUpdate(state, init.now ?? NOW, init.ledgers ?? ['alpha'])
  for (;;) {
    const step = machine.next()
    if ('done' in step) return step.done
    init.asked?.push(step.file)
    if (step.bytesMax > METADATA_BYTES_MAX) throw new Error('unbounded')
    machine.supply(step.file, Object.hasOwn(files, step.file) ? files[step.file] : undefined)
  }
}
