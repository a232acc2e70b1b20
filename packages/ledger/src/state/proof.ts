import { type Digest, digestBytes } from '../digest.ts'
import { LedgerError } from '../errors.ts'
import { compareKeys } from './keys.ts'
import { PROOF_PAGES_MAX } from './limits.ts'
import { decodePage, encodePage, pageHash, type PageRef } from './page.ts'
import type { PageSource } from './page-source.ts'
import { childOf, type TreeRoot } from './tree.ts'

/** What a state says of a key: the bytes of the pages from the root to where the key is, or would be. The same for both answers. */
export type StateProof = readonly Uint8Array[]

/** @throws {LedgerError} `PAGE_MISSING` */
export function proveKey(source: PageSource, root: TreeRoot, key: Uint8Array): StateProof {
  const proof: Uint8Array[] = []
  for (let ref: Pick<PageRef, 'hash'> | undefined = root; ref !== undefined;) {
    const page = source.page(ref.hash)
    proof.push(encodePage(page))
    ref = page.kind === 'index' ? childOf(page, key) : undefined
  }
  return proof
}

/**
 * The value of `key` in the state with root `stateRoot`, `undefined` if it has none: both are proven.
 * `proof` may come from anyone; it is worth what `stateRoot` is worth.
 *
 * @throws {LedgerError} `STATE_PROOF_INVALID`, or `MALFORMED` and `TOO_LARGE` for pages that are none
 */
export function verifyKey(stateRoot: Digest, key: Uint8Array, proof: StateProof): Uint8Array | undefined {
  if (proof.length > PROOF_PAGES_MAX) throw invalid(`${proof.length} pages`)
  let hash: Uint8Array = digestBytes(stateRoot)
  for (const [index, bytes] of proof.entries()) {
    if (Buffer.compare(pageHash(bytes), hash) !== 0) throw invalid(`page ${index} is another`)
    const page = decodePage(bytes)
    const isLast = index === proof.length - 1
    const child = page.kind === 'index' ? childOf(page, key) : undefined
    if (child === undefined) {
      if (!isLast) throw invalid('pages after the last')
      return page.kind === 'leaf' ? page.items.find((entry) => compareKeys(entry.key, key) === 0)?.value : undefined
    }
    hash = child.hash
  }
  throw invalid('it stops short')
}

function invalid(reason: string): LedgerError {
  return new LedgerError({ code: 'STATE_PROOF_INVALID', reason })
}
