import type { AppliedBlock, Digest, LedgerState, Page, WrittenPage } from '@cairn/ledger'
import type { StoredBlock } from './state-store.ts'

/** A node of the tree over all blocks. */
interface HistoryNode {
  readonly level: number
  readonly index: number
  readonly hash: Uint8Array
}

interface Staged {
  readonly applied: AppliedBlock
  readonly block: StoredBlock
  readonly nodes: HistoryNode[]
}

/** What some blocks in a row changed altogether. */
export interface StagedChange {
  /** The state after the last of them. */
  readonly state: LedgerState
  /** Each with the root of the state after it. */
  readonly blocks: readonly (StoredBlock & { readonly stateRoot: Digest })[]
  /** Pages that the state has now and did not have before, with the height since which. */
  readonly written: readonly { readonly page: WrittenPage; readonly height: number }[]
  /** Pages that the state had before and has not any more: no height from {@link first} on that can be read has them. */
  readonly dropped: readonly Uint8Array[]
  readonly first: number
  readonly nodes: readonly HistoryNode[]
}

/** Blocks that have been applied in memory and are not in the file: what they are asked for, and what they changed altogether. */
export class StagedBlocks {
  /** In the order of their heights. */
  #blocks: Staged[] = []
  /** By hash in hexadecimal, with the newest height that wrote it. */
  readonly #pages = new Map<string, { readonly page: WrittenPage; readonly height: number }>()
  readonly #nodes = new Map<string, Uint8Array>()
  #bytes = 0

  get count(): number {
    return this.#blocks.length
  }

  /** Bytes of the pages that are held. */
  get bytes(): number {
    return this.#bytes
  }

  /** Adds the next block; what {@link setNode} says from now on is its own. */
  begin(applied: AppliedBlock, block: StoredBlock): void {
    this.#blocks.push({ applied, block, nodes: [] })
    for (const page of applied.written) {
      const name = hexOf(page.hash)
      if (!this.#pages.has(name)) this.#bytes += page.bytes.byteLength
      this.#pages.set(name, { page, height: applied.state.height })
    }
  }

  setNode(level: number, index: number, hash: Uint8Array): void {
    this.#blocks.at(-1)?.nodes.push({ level, index, hash })
    this.#nodes.set(`${level}/${index}`, hash)
  }

  page(name: string): Page | undefined {
    return this.#pages.get(name)?.page.page
  }

  node(level: number, index: number): Uint8Array | undefined {
    return this.#nodes.get(`${level}/${index}`)
  }

  block(height: number): StoredBlock | undefined {
    const first = this.#blocks[0]?.applied.state.height
    return first === undefined ? undefined : this.#blocks[height - first]?.block
  }

  blocksAbove(height: number): readonly StoredBlock[] {
    return this.#blocks.filter(({ applied }) => applied.state.height > height).map(({ block }) => block)
  }

  /** What the blocks up to `height` changed; `undefined` if there are none. */
  changeUpTo(height: number): StagedChange | undefined {
    const chosen = this.#blocks.filter(({ applied }) => applied.state.height <= height)
    const [first, last] = [chosen[0], chosen.at(-1)]
    if (first === undefined || last === undefined) return undefined
    const written = new Map<string, { readonly page: WrittenPage; readonly height: number }>()
    const dropped = new Map<string, Uint8Array>()
    for (const { applied } of chosen) {
      const { height: at } = applied.state
      for (const page of applied.written) {
        const name = hexOf(page.hash)
        // It was there before the first of these blocks, and is again.
        if (!dropped.delete(name)) written.set(name, { page, height: at })
      }
      for (const hash of applied.dropped) {
        const name = hexOf(hash)
        if (!written.delete(name)) dropped.set(name, hash)
      }
    }
    return {
      state: last.applied.state,
      blocks: chosen.map(({ block, applied }) => ({ ...block, stateRoot: hexOf(applied.state.root.hash) })),
      written: [...written.values()],
      dropped: [...dropped.values()],
      first: first.applied.state.height,
      nodes: chosen.flatMap(({ nodes }) => nodes),
    }
  }

  /** `change` is in the file. */
  forget({ state, blocks, nodes }: StagedChange): void {
    for (const { applied } of this.#blocks.splice(0, blocks.length)) {
      for (const { hash } of applied.written) {
        const name = hexOf(hash)
        const held = this.#pages.get(name)
        // A later block may have written it again.
        if (held === undefined || held.height > state.height) continue
        this.#pages.delete(name)
        this.#bytes -= held.page.bytes.byteLength
      }
    }
    for (const { level, index } of nodes) this.#nodes.delete(`${level}/${index}`)
  }
}

function hexOf(hash: Uint8Array): string {
  return Buffer.from(hash).toString('hex')
}
