/**
 * The blocks of an evicted snapshot that no kept snapshot needs: snapshots share blocks, so evicting one frees only what is its own.
 *
 * Keys are compared by identity, so blocks are named by text. Memory is that of `ofEvicted`; `ofKept` is only walked, and only until
 * nothing is left to release.
 */
export function releasable<Key extends string | number>(ofEvicted: Iterable<Key>, ofKept: Iterable<Key>): ReadonlySet<Key> {
  const own = new Set(ofEvicted)
  if (own.size === 0) return own
  for (const key of ofKept) {
    own.delete(key)
    if (own.size === 0) break
  }
  return own
}
