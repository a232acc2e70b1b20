import { sha256 } from '@cairn/protocol'
import { ByteReader, ByteWriter } from '../bytes.ts'
import type { LedgerId } from '../envelope.ts'
import { LedgerError } from '../errors.ts'
import type { Payload } from '../payload.ts'
import { compareKeys } from './keys.ts'
import { LIFETIME_HEIGHTS_MAX, REMEMBERED_OPERATIONS_MAX } from './limits.ts'
import { decodeOperation, type StateOperation } from './operation.ts'
import type { PageSource } from './page-source.ts'
import { clientKey, COUNT_KEY, decodeRemembered, encodeRemembered, endedKeys, operationKey, type Remembered } from './remembered.ts'
import { EMPTY_TREE, readTree, type TreeRoot, type TreeUpdate, updateTree } from './tree.ts'

/** The state after the block at `height`. */
export interface LedgerState {
  readonly height: number
  readonly root: TreeRoot
}

/** The state before the first block. */
export const GENESIS_STATE: LedgerState = { height: 0, root: EMPTY_TREE }

/** What became of an operation. */
export type OperationResult =
  /** `isRepeat` if an earlier block had it: this is what it did there. */
  | (Remembered & { readonly isRepeat: boolean })
  /** Not applied: it ended before this block. Whether an earlier block applied it, this does not say. */
  | { readonly type: 'expired' }
  /** Not applied: it ends later than an operation may. */
  | { readonly type: 'ends-too-late' }
  /** Not applied: too many operations have not ended. */
  | { readonly type: 'crowded' }
  /** Not an operation. No seat votes for a block with one; should one be final all the same, it does nothing. */
  | { readonly type: 'malformed' }

export interface AppliedBlock extends Omit<TreeUpdate, 'root'> {
  readonly state: LedgerState
  /** By position in the payload. */
  readonly results: readonly OperationResult[]
}

/** What the operations of a block did, before the tree says so: hashing its pages is most of the work, and nobody's answer waits for it. */
export interface ExecutedBlock {
  /** By position in the payload. */
  readonly results: readonly OperationResult[]
  /** The state after the block. @throws {LedgerError} `PAGE_MISSING` */
  readonly update: () => AppliedBlock
}

/** As {@link executeBlock}, all of it. @throws {LedgerError} `PAGE_MISSING` */
export function applyBlock(source: PageSource, ledger: LedgerId, state: LedgerState, payload: Payload): AppliedBlock {
  return executeBlock(source, ledger, state, payload).update()
}

/**
 * Applies the operations of the block after `state`, in order. Equal states and payloads give equal states and results on every machine:
 * signatures are not looked at, and what a state remembers of operations (so that each has one effect) is part of the state.
 *
 * @throws {LedgerError} `PAGE_MISSING`
 */
export function executeBlock(source: PageSource, ledger: LedgerId, state: LedgerState, payload: Payload): ExecutedBlock {
  const block = new BlockOverlay(source, state.root)
  const height = state.height + 1
  block.forget(height)
  const results = payload.map(({ id, body }) => {
    const operation = operationOf(ledger, id, body)
    return operation === undefined ? ({ type: 'malformed' } as const) : applyOperation(block, height, id, operation)
  })
  const update = (): AppliedBlock => {
    const { root, written, dropped } = block.update()
    return { state: { height, root }, written, dropped, results }
  }
  return { results, update }
}

/** The value of a client's key at `root`. @throws {LedgerError} `PAGE_MISSING` */
export function readState(source: PageSource, root: TreeRoot, key: Uint8Array): Uint8Array | undefined {
  return readTree(source, root, clientKey(key))
}

function operationOf(ledger: LedgerId, id: string, body: Uint8Array): StateOperation | undefined {
  try {
    return decodeOperation(ledger, id, body)
  } catch (error) {
    if (error instanceof LedgerError) return undefined
    throw error
  }
}

function applyOperation(block: BlockOverlay, height: number, id: string, { lastHeight, action }: StateOperation): OperationResult {
  if (lastHeight < height) return { type: 'expired' }
  if (lastHeight - height > LIFETIME_HEIGHTS_MAX) return { type: 'ends-too-late' }
  const record = operationKey(lastHeight, id)
  const earlier = block.read(record)
  if (earlier !== undefined) return { ...decodeRemembered(earlier), isRepeat: true }
  if (block.count >= REMEMBERED_OPERATIONS_MAX) return { type: 'crowded' }
  const key = clientKey(action.key)
  const value = action.type === 'delete' ? undefined : action.value
  const applies = action.type !== 'compare-and-set' || digestOf(block.read(key)) === action.expected
  if (applies) block.write(key, value)
  const remembered: Remembered = { type: applies ? 'applied' : 'conflict', height }
  block.write(record, encodeRemembered(remembered))
  block.count++
  return { ...remembered, isRepeat: false }
}

function digestOf(value: Uint8Array | undefined): string | undefined {
  return value === undefined ? undefined : Buffer.from(sha256(value)).toString('hex')
}

/** A state with the changes of one block laid over it. */
class BlockOverlay {
  readonly #source: PageSource
  readonly #root: TreeRoot
  /** By key in hexadecimal. */
  readonly #changes = new Map<string, { readonly key: Uint8Array; readonly value: Uint8Array | undefined }>()
  readonly #countBefore: number
  /** Operations remembered. */
  count: number

  constructor(source: PageSource, root: TreeRoot) {
    this.#source = source
    this.#root = root
    const count = readTree(source, root, COUNT_KEY)
    this.#countBefore = count === undefined ? 0 : new ByteReader(count, 'count of operations').u64()
    this.count = this.#countBefore
  }

  forget(height: number): void {
    for (const key of endedKeys(this.#source, this.#root, height)) {
      this.write(key, undefined)
      this.count--
    }
  }

  read(key: Uint8Array): Uint8Array | undefined {
    const change = this.#changes.get(hexOf(key))
    return change === undefined ? readTree(this.#source, this.#root, key) : change.value
  }

  write(key: Uint8Array, value: Uint8Array | undefined): void {
    this.#changes.set(hexOf(key), { key, value })
  }

  update(): TreeUpdate {
    if (this.count !== this.#countBefore) this.write(COUNT_KEY, this.count === 0 ? undefined : new ByteWriter(8).u64(this.count).finish())
    const changes = [...this.#changes.values()].sort((a, b) => compareKeys(a.key, b.key))
    return updateTree(this.#source, this.#root, changes)
  }
}

function hexOf(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex')
}
