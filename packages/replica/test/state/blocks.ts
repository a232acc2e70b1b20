import {
  type AppliedBlock,
  applyBlock,
  encodeOperation,
  GENESIS_STATE,
  HistoryTree,
  type LedgerState,
  MemoryPages,
  type PageSource,
  readState,
  taggedDigest,
} from '@cairn/ledger'
import { StateStore, type StoredBlock } from '../../src/state/state-store.ts'

const LEDGER = { networkId: 'ab'.repeat(32), chainId: 7 }
const KEYS = 300

/** The block at `height` writes some keys again, deletes one, and is the same every time. */
export function payloadOf(height: number): Parameters<typeof applyBlock>[3] {
  return Array.from({ length: 30 }, (_, index) => {
    const key = keyOf((height * 31 + index * 7) % KEYS)
    const nonce = Buffer.alloc(16)
    nonce.writeUInt32BE(height)
    nonce.writeUInt32BE(index, 4)
    const value = Buffer.from(`${height}/${index} `.padEnd(100, 'x'))
    const action = index === 29 ? ({ type: 'delete', key } as const) : ({ type: 'put', key, value } as const)
    return encodeOperation(LEDGER, { client: new Uint8Array(32), nonce, lastHeight: height + 3, action })
  })
}

/** What `key` holds at `height`, worked out from the payloads alone. */
export function valueAt(key: number, height: number): string | undefined {
  for (let at = height; at > 0; at--) {
    for (let index = 29; index >= 0; index--) {
      if ((at * 31 + index * 7) % KEYS === key) return index === 29 ? undefined : `${at}/${index} `.padEnd(100, 'x')
    }
  }
  return undefined
}

export function blockOf(height: number): StoredBlock {
  const bytes = Buffer.from(`block ${height}`)
  return { digest: blockDigestOf(height), point: bytes, item: bytes, payloadRoot: blockDigestOf(-height), payload: bytes }
}

function blockDigestOf(height: number): string {
  return taggedDigest('block', Buffer.from(String(height)))
}

/** Applies blocks to a store, or to pages in memory. */
export class StateModel {
  readonly #source: StateStore | MemoryPages
  readonly #states = new Map<number, LedgerState>()
  readonly history: HistoryTree
  #state: LedgerState

  constructor(source: StateStore | MemoryPages) {
    this.#source = source
    this.#state = source instanceof StateStore ? source.state : GENESIS_STATE
    this.history = source instanceof StateStore ? source.history : new HistoryTree()
    this.#states.set(this.#state.height, this.#state)
  }

  static read(source: PageSource, { root }: LedgerState, key: number): string | undefined {
    const value = readState(source, root, keyOf(key))
    return value && Buffer.from(value).toString()
  }

  get root(): string {
    return Buffer.from(this.#state.root.hash).toString('hex')
  }

  applied(height: number): AppliedBlock {
    return applyBlock(this.#source, LEDGER, this.#state, payloadOf(height))
  }

  apply(height: number): void {
    const applied = this.applied(height)
    if (this.#source instanceof StateStore) this.#source.commit(applied, blockOf(height))
    else {
      for (const page of applied.written) this.#source.add(page)
      this.history.append(blockDigestOf(height))
    }
    this.#state = applied.state
    this.#states.set(height, applied.state)
  }

  /** As {@link apply}, for a store, and only in memory. */
  stage(height: number): void {
    const applied = this.applied(height)
    if (!(this.#source instanceof StateStore)) throw new TypeError('only a store stages')
    this.#source.stage(applied, blockOf(height))
    this.#state = applied.state
  }

  /** Pages that any of the states at these heights has. */
  reachable(heights: readonly number[]): number {
    const hashes = new Set<string>()
    const visit = (hash: Uint8Array): void => {
      hashes.add(Buffer.from(hash).toString('hex'))
      const page = this.#source.page(hash)
      if (page.kind === 'index') for (const ref of page.items) visit(ref.hash)
    }
    for (const height of heights) {
      const state = this.#states.get(height)
      if (state !== undefined) visit(state.root.hash)
    }
    return hashes.size
  }
}

function keyOf(key: number): Uint8Array {
  return Buffer.from(`key ${String(key).padStart(4, '0')}`)
}
