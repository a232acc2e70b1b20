import {
  type BatchItem,
  ByteReader,
  ByteWriter,
  type ChainPoint,
  decodePayload,
  encodePayload,
  headerDigest,
  type LogRecord,
  type Message,
  type Payload,
  payloadFacts,
  readItem,
  readPoint,
  type Want,
  writeItem,
  writePoint,
  ZERO_DIGEST,
} from '@cairn/ledger'
import { SERVED_BLOCKS_MAX, UNAPPLIED_MAX } from './limits.ts'
import type { StateStore, StoredBlock } from './state/state-store.ts'

/** Headers, and the certificates that make them final, until their blocks are applied and kept with the state. */
export class UnappliedBlocks {
  /** By digest, oldest first. */
  readonly #items = new Map<string, BatchItem>()

  note(record: LogRecord): void {
    if (record.type === 'block') this.#keep(headerDigest(record.proposal.header), { proposal: record.proposal })
    if (record.type !== 'certificate') return
    const { certificate } = record
    if (certificate.kind === 'fast' || certificate.kind === 'final') this.#keep(certificate.digest, { certificate })
  }

  /** The block at `point` as it is kept, and no longer here. */
  take(point: ChainPoint, payload: Payload): StoredBlock {
    const item = this.#items.get(point.digest) ?? {}
    this.#items.delete(point.digest)
    const [pointWriter, itemWriter] = [new ByteWriter(128), new ByteWriter(1024)]
    writePoint(pointWriter, point)
    writeItem(itemWriter, item)
    return {
      digest: point.digest,
      point: pointWriter.finish(),
      item: itemWriter.finish(),
      payloadRoot: payloadFacts(payload).root,
      payload: encodePayload(payload),
    }
  }

  #keep(digest: string, item: BatchItem): void {
    this.#items.set(digest, { ...this.#items.get(digest), ...item })
    if (this.#items.size <= UNAPPLIED_MAX) return
    const [oldest] = this.#items.keys()
    if (oldest !== undefined) this.#items.delete(oldest)
  }
}

/**
 * What `store` has of what a peer wants, as a message; `undefined` if it has nothing. `closing` is what follows the last block of an epoch: it
 * may be final by nothing else, and names a committee that the peer may not know.
 */
export function answerFrom(store: StateStore, want: Want, closing: (epoch: number) => readonly BatchItem[]): Message | undefined {
  if (want.type === 'payload') {
    const bytes = store.payload(want.root)
    return bytes && { type: 'payload', payload: decodePayload(bytes) }
  }
  if (want.type !== 'sync') return undefined
  const items = store.itemsAbove(want.height, SERVED_BLOCKS_MAX).map((bytes) => readItem(new ByteReader(bytes, 'kept block')))
  const at = store.pointAt(want.height)
  const point = at && readPoint(new ByteReader(at, 'kept point'))
  const before = point === undefined || point.nextCommittee === ZERO_DIGEST ? [] : closing(point.epoch)
  return { type: 'batch', items: [...before, ...items.flatMap((item) => [item, ...afterItem(item, closing)])], height: store.state.height }
}

function afterItem({ proposal }: BatchItem, closing: (epoch: number) => readonly BatchItem[]): readonly BatchItem[] {
  return proposal === undefined || proposal.header.nextCommittee === ZERO_DIGEST ? [] : closing(proposal.header.epoch)
}
