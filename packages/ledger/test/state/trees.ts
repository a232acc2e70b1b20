import { MemoryPages } from '../../src/state/page-source.ts'
import { EMPTY_TREE, scanTree, type TreeRoot, updateTree } from '../../src/state/tree.ts'
import { compareKeys } from '../../src/state/keys.ts'

/** A tree whose pages are in memory, with the pages of its last version only. */
export class TestTree {
  readonly pages = new MemoryPages()
  root: TreeRoot = EMPTY_TREE

  /** Changes keys, given in any order; `undefined` deletes. */
  update(changes: ReadonlyMap<string, Uint8Array | undefined>): { readonly written: number; readonly dropped: number } {
    const sorted = [...changes].map(([key, value]) => ({ key: keyOf(key), value })).sort((a, b) => compareKeys(a.key, b.key))
    const { root, written, dropped } = updateTree(this.pages, this.root, sorted)
    for (const page of written) this.pages.add(page)
    for (const hash of dropped) this.pages.delete(hash)
    this.root = root
    return { written: written.length, dropped: dropped.length }
  }

  /** All of it, keys in hexadecimal. */
  content(): Map<string, string> {
    return new Map([...scanTree(this.pages, this.root, new Uint8Array(0))].map(({ key, value }) => [hexOf(key), hexOf(value)]))
  }
}

/** Keys of tests are hexadecimal text. */
export function keyOf(text: string): Uint8Array {
  return new Uint8Array(Buffer.from(text, 'hex'))
}

export function hexOf(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex')
}
