import { type CID, decodeDeltaSizes, type SnapshotIndex } from '@cairn/protocol'
import { type Clock, sleep } from '@cairn/runtime'
import type { ControlClient } from './control/client.ts'
import { DELTAS_POLL_MS } from './limits.ts'

/**
 * Frame bytes of the deltas that a peer has for a holder of `from`, by chunk of `index`; `undefined` if it has none, or too many to list.
 * Asks again while they are being made.
 *
 * @throws {ProtocolError} when the answer is none; the signal's reason; whatever ends the channel
 */
export async function askOffers(
  control: Pick<ControlClient, 'deltas'>,
  index: SnapshotIndex,
  from: CID,
  { clock, signal }: { readonly clock: Clock; readonly signal: AbortSignal },
): Promise<ReadonlyMap<number, number> | undefined> {
  for (;;) {
    const reply = await control.deltas(index.cid, from)
    if (reply.state === 'ready') return reply.sizes === undefined ? undefined : decodeDeltaSizes(reply.sizes, index.chunksCount)
    if (reply.state === 'none') return undefined
    await sleep(clock, DELTAS_POLL_MS, signal)
  }
}
