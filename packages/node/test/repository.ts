import { createPrivateKey } from 'node:crypto'
import type { SnapshotIndex } from '@cairn/protocol'
import {
  createSigner,
  newLedger,
  newRoot,
  newSnapshot,
  newTargets,
  newTimestamp,
  type Release,
  rootFileOf,
  type Signer,
} from '@cairn/trust'

const YEAR_MS = 365 * 86_400_000

/** A publisher of one ledger, with one key for everything. */
export class TestRepository {
  readonly root: Uint8Array
  readonly #ledger: string
  readonly #files: Record<string, Uint8Array>
  readonly #now: () => number
  readonly #key: Signer

  constructor(ledger: string, now: () => number, seed = 1) {
    this.#ledger = ledger
    this.#now = now
    this.#key = signerOf(seed)
    const { role } = this
    this.root = newRoot({ roles: { root: role, targets: role, snapshot: role, timestamp: role }, ...this.#signing(YEAR_MS) })
    this.#files = { [rootFileOf(1)]: this.root }
  }

  /** What a source of this repository answers. */
  metadata = async (file: string): Promise<Uint8Array | undefined> => this.#files[file]

  /** Signs `releases` as all that the ledger has; the timestamp holds for `validMs`. */
  publish(releases: readonly Release[], validMs = YEAR_MS): void {
    const signing = this.#signing(YEAR_MS)
    const ledgerFile = `${this.#ledger}.json`
    const ledger = newLedger({ ledger: this.#ledger, releases, ...this.#previous(ledgerFile), ...signing })
    const targets = newTargets({ ledgers: { [this.#ledger]: this.role }, ...this.#previous('targets.json'), ...signing })
    const snapshot = newSnapshot({ targets, ledgers: { [this.#ledger]: ledger }, ...this.#previous('snapshot.json'), ...signing })
    const timestamp = newTimestamp({ snapshot, ...this.#previous('timestamp.json'), ...this.#signing(validMs) })
    Object.assign(this.#files, { [ledgerFile]: ledger, 'targets.json': targets, 'snapshot.json': snapshot, 'timestamp.json': timestamp })
  }

  private get role(): { readonly keys: readonly [Signer]; readonly threshold: number } {
    return { keys: [this.#key], threshold: 1 }
  }

  #signing(validMs: number): { readonly expiresAt: number; readonly signers: readonly Signer[] } {
    return { expiresAt: this.#now() + validMs, signers: [this.#key] }
  }

  #previous(file: string): { readonly previous?: Uint8Array } {
    const previous = this.#files[file]
    return previous === undefined ? {} : { previous }
  }
}

export function releaseOf({ cid, root }: SnapshotIndex, manifestBytes: number, channels: readonly string[] = []): Release {
  const { ledger, height, totals } = root
  return { ledger, height, manifest: cid, manifestBytes, channels, totalBytes: totals.bytes, chunks: totals.chunks }
}

function signerOf(seed: number): Signer {
  const pkcs8 = Buffer.concat([Buffer.from('302e020100300506032b657004220420', 'hex'), Buffer.alloc(32, seed)])
  return createSigner(createPrivateKey({ key: pkcs8, format: 'der', type: 'pkcs8' }))
}
