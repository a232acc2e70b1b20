import {
  type CID,
  decodeFrame,
  decodeRoot,
  isPageCid,
  ManifestLoader,
  PAGE_BYTES_MAX,
  encodeFrame,
  ProtocolError,
  type SnapshotIndex,
} from '@cairn/protocol'
import type { BlockStore } from '@cairn/storage'
import type { BlockFetcher } from './block-fetcher.ts'
import { PAGES_IN_FLIGHT_MAX } from './limits.ts'

export interface ManifestFetchInit {
  /** The snapshot's name, as the trust metadata vouches for it. */
  readonly snapshot: CID
  /** Pages found here are not fetched; fetched ones are put here. */
  readonly pages: BlockStore
  readonly fetcher: BlockFetcher
  readonly patienceMs?: number
  readonly signal: AbortSignal
}

/**
 * Loads a manifest: from `pages` what is there, the rest from peers, each page checked against its CID and then
 * against the rules of the tree.
 *
 * @throws {SwarmError} `NO_SOURCE`
 * @throws {ProtocolError} when the signed root names a manifest that breaks the rules; no other source can mend that
 */
export async function fetchManifest(init: ManifestFetchInit): Promise<SnapshotIndex> {
  if (!isPageCid(init.snapshot))
    throw new ProtocolError({ code: 'BAD_CID', reason: `${init.snapshot.toString()} does not name a manifest` })
  const loader = new ManifestLoader(decodeRoot(await pageOf(init.snapshot, init)), init.snapshot)
  const inFlight = new Map<string, Promise<void>>()
  let failure: { readonly error: unknown } | undefined
  while (!loader.done) {
    for (const cid of loader.wanted()) {
      const key = cid.toString()
      if (inFlight.size >= PAGES_IN_FLIGHT_MAX) break
      if (inFlight.has(key)) continue
      const arrival = pageOf(cid, init)
        .then((bytes) => loader.add(cid, bytes))
        .catch((error: unknown) => {
          failure ??= { error }
        })
        .finally(() => inFlight.delete(key))
      inFlight.set(key, arrival)
    }
    await Promise.race(inFlight.values())
    if (failure !== undefined) {
      await Promise.all(inFlight.values())
      throw failure.error
    }
  }
  return loader.index()
}

async function pageOf(cid: CID, { pages, fetcher, patienceMs, signal }: ManifestFetchInit): Promise<Uint8Array> {
  const frame = await pages.get(cid)
  if (frame !== undefined) return decodeFrame(frame, PAGE_BYTES_MAX)
  const bytes = await fetcher.fetch(cid, PAGE_BYTES_MAX, { signal, ...(patienceMs === undefined ? {} : { patienceMs }) })
  await pages.put(cid, encodeFrame(bytes))
  return bytes
}
