import { createPrivateKey } from 'node:crypto'
import {
  createSigner,
  newLedger,
  newRoot,
  newSnapshot,
  newTargets,
  newTimestamp,
  type Release,
  type RoleKeys,
  rootFileOf,
  type Signer,
} from '@cairn/trust'

const YEAR_MS = 365 * 86_400_000

/** A publisher's signed files, and what may happen to them. */
export class TestRepository {
  readonly files: Record<string, Uint8Array> = {}
  readonly #ledgers = new Map<string, readonly Release[]>()
  readonly #now: () => number
  readonly #root: Signer
  #online: Signer
  #rootVersion = 1

  constructor(now: () => number, seed = 1) {
    this.#now = now
    this.#root = signerOf(seed)
    this.#online = signerOf(seed + 100)
    this.files['root.json'] = newRoot({ roles: this.#roles(), expiresAt: this.#expiresAt, signers: [this.#root] })
    this.files[rootFileOf(1)] = this.root
  }

  get root(): Uint8Array {
    return this.files['root.json']!
  }

  get timestamp(): Uint8Array {
    return this.files['timestamp.json']!
  }

  /** What a source of this repository answers. */
  metadata = (file: string): Promise<Uint8Array | undefined> => Promise.resolve(file === 'root.json' ? undefined : this.files[file])

  /** Signs `releases` as all that `ledger` has, and everything above. */
  publish(ledger: string, releases: readonly Release[]): void {
    this.#ledgers.set(ledger, releases)
    const signing = { expiresAt: this.#expiresAt, signers: [this.#online] }
    this.files[`${ledger}.json`] = newLedger({ ledger, releases, ...this.#previous(`${ledger}.json`), ...signing })
    const delegations = Object.fromEntries([...this.#ledgers.keys()].map((name) => [name, only(this.#online)]))
    this.files['targets.json'] = newTargets({ ledgers: delegations, ...this.#previous('targets.json'), ...signing })
    this.stamp()
  }

  /** Signs snapshot and timestamp over the other files. */
  stamp(validMs = YEAR_MS): void {
    const signing = { expiresAt: this.#expiresAt, signers: [this.#online] }
    const ledgers = Object.fromEntries([...this.#ledgers.keys()].map((ledger) => [ledger, this.files[`${ledger}.json`]!]))
    const targets = this.files['targets.json']!
    const snapshot = newSnapshot({ targets, ledgers, ...this.#previous('snapshot.json'), ...signing })
    this.files['snapshot.json'] = snapshot
    this.files['timestamp.json'] = newTimestamp({
      snapshot,
      ...this.#previous('timestamp.json'),
      expiresAt: this.#now() + validMs,
      signers: [this.#online],
    })
  }

  /** Replaces the key that signs everything but the root, and signs everything again. */
  rotate(seed: number): void {
    this.#online = signerOf(seed)
    this.#rootVersion += 1
    this.files['root.json'] = newRoot({ previous: this.root, roles: this.#roles(), expiresAt: this.#expiresAt, signers: [this.#root] })
    this.files[rootFileOf(this.#rootVersion)] = this.root
    for (const [ledger, releases] of this.#ledgers) this.publish(ledger, releases)
  }

  get #expiresAt(): number {
    return this.#now() + YEAR_MS
  }

  #roles(): Record<'root' | 'targets' | 'snapshot' | 'timestamp', RoleKeys> {
    const online = only(this.#online)
    return { root: only(this.#root), targets: online, snapshot: online, timestamp: online }
  }

  #previous(file: string): { readonly previous?: Uint8Array } {
    const previous = this.files[file]
    return previous === undefined ? {} : { previous }
  }
}

function only(key: Signer): RoleKeys {
  return { keys: [key], threshold: 1 }
}

function signerOf(seed: number): Signer {
  const pkcs8 = Buffer.concat([Buffer.from('302e020100300506032b657004220420', 'hex'), Buffer.alloc(32, seed)])
  return createSigner(createPrivateKey({ key: pkcs8, format: 'der', type: 'pkcs8' }))
}
