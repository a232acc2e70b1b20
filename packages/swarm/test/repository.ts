import { createPrivateKey } from 'node:crypto'
import { sampleBlocks } from '@cairn/storage/testing'
import { pageCid } from '@cairn/protocol'
import {
  createSigner,
  initialTrust,
  newLedger,
  newRoot,
  newSnapshot,
  newTargets,
  newTimestamp,
  rootFileOf,
  type Signer,
  type TrustState,
  TrustUpdate,
} from '@cairn/trust'

export const LEDGER = 'alpha'
const VALID_MS = 86_400_000

/** A publisher of one ledger, with one key for its root and one for the rest. */
export class TestRepository {
  readonly files: Record<string, Uint8Array> = {}
  readonly #now: number
  readonly #root: Signer
  #online: Signer
  #rootVersion = 0

  constructor(now: number, seed = 1) {
    this.#now = now
    this.#root = signerOf(seed)
    this.#online = signerOf(seed + 100)
    this.rotate(seed + 100)
  }

  get root(): Uint8Array {
    return this.files['root.json']!
  }

  /** Hands everything but the root over to another key; what it signs comes with the next {@link publish}. */
  rotate(seed: number): void {
    this.#online = signerOf(seed)
    const online = { keys: [this.#online], threshold: 1 }
    const roles = { root: { keys: [this.#root], threshold: 1 }, targets: online, snapshot: online, timestamp: online }
    const root = newRoot({ ...this.#previous('root.json'), roles, expiresAt: this.#expiresAt, signers: [this.#root] })
    this.#rootVersion += 1
    this.files['root.json'] = root
    this.files[rootFileOf(this.#rootVersion)] = root
  }

  /** Signs a release at each height as all that there is. */
  publish(...heights: readonly number[]): void {
    const signing = { expiresAt: this.#expiresAt, signers: [this.#online] }
    const releases = heights.map((height) => {
      const manifest = pageCid(sampleBlocks(1, height)[0]!.plain)
      return { ledger: LEDGER, height, manifest, manifestBytes: height, channels: [], totalBytes: 1, chunks: 1 }
    })
    const ledger = newLedger({ ledger: LEDGER, releases, ...this.#previous(`${LEDGER}.json`), ...signing })
    const delegations = { [LEDGER]: { keys: [this.#online], threshold: 1 } }
    const targets = newTargets({ ledgers: delegations, ...this.#previous('targets.json'), ...signing })
    const snapshot = newSnapshot({ targets, ledgers: { [LEDGER]: ledger }, ...this.#previous('snapshot.json'), ...signing })
    const timestamp = newTimestamp({ snapshot, ...this.#previous('timestamp.json'), ...signing })
    Object.assign(this.files, {
      [`${LEDGER}.json`]: ledger,
      'targets.json': targets,
      'snapshot.json': snapshot,
      'timestamp.json': timestamp,
    })
  }

  /** What someone who had `state` accepts of this repository. */
  refresh(state: TrustState = initialTrust(this.root, this.#now)): TrustState {
    const update = new TrustUpdate(state, this.#now, [LEDGER])
    for (let step = update.next(); ; step = update.next()) {
      if ('done' in step) return step.done
      update.supply(step.file, this.files[step.file])
    }
  }

  get #expiresAt(): number {
    return this.#now + VALID_MS
  }

  #previous(file: string): { readonly previous?: Uint8Array } {
    const previous = this.files[file]
    return previous === undefined ? {} : { previous }
  }
}

function signerOf(seed: number): Signer {
  const pkcs8 = Buffer.concat([Buffer.from('302e020100300506032b657004220420', 'hex'), Buffer.alloc(32, seed)])
  return createSigner(createPrivateKey({ key: pkcs8, format: 'der', type: 'pkcs8' }))
}
