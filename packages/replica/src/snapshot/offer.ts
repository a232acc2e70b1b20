import {
  type BlockHeader,
  ByteReader,
  ByteWriter,
  type ChainPoint,
  type Checkpoint,
  type Committee,
  decodeCheckpoint,
  decodeEpochRecord,
  digestBytes,
  encodeCheckpoint,
  encodeEpochRecord,
  encodeHeader,
  type EpochRecord,
  type EpochStart,
  HistoryTree,
  LedgerError,
  type LedgerId,
  peakPlaces,
  pointOf,
  readHeader,
  type Verifier,
  verifyCheckpoint,
  verifyEpochRecord,
} from '@cairn/ledger'

/** What leads somebody who knows the committee of an epoch to the state at a checkpoint; all of it may come from anyone. */
export interface SnapshotOffer {
  readonly checkpoint: Checkpoint
  /** One for each epoch that ended since the one that is known, in order. */
  readonly epochs: readonly EpochRecord[]
  /** Of the checkpoint's block. */
  readonly header: BlockHeader
  /** Roots of the largest complete subtrees of the history before that block. */
  readonly peaks: readonly Uint8Array[]
}

/** An offer that is true: where the ledger goes on. */
export interface VerifiedOffer extends SnapshotOffer {
  readonly start: EpochStart
  readonly point: ChainPoint
  /** Nodes of the history up to and with the checkpoint's block. */
  readonly history: readonly HistoryNode[]
}

export interface HistoryNode {
  readonly level: number
  readonly index: number
  readonly hash: Uint8Array
}

const HASH_BYTES = 32

/** checkpoint | epochs u16, records | header | peaks u8, hashes; what has no fixed length goes after its length u32. */
export function encodeOffer({ checkpoint, epochs, header, peaks }: SnapshotOffer): Uint8Array {
  const writer = new ByteWriter(2048)
  const certified = encodeCheckpoint(checkpoint)
  writer.u32(certified.byteLength).bytes(certified).u16(epochs.length)
  for (const record of epochs.map(encodeEpochRecord)) writer.u32(record.byteLength).bytes(record)
  writer.bytes(encodeHeader(header)).u8(peaks.length)
  for (const peak of peaks) writer.bytes(peak)
  return writer.finish()
}

/** @throws {LedgerError} `MALFORMED`, `BAD_COMMITTEE` */
export function readOffer(reader: ByteReader): SnapshotOffer {
  const checkpoint = decodeCheckpoint(reader.bytes(reader.u32()))
  const epochs: EpochRecord[] = []
  for (let left = reader.u16(); left > 0; left--) epochs.push(decodeEpochRecord(reader.bytes(reader.u32())))
  const header = readHeader(reader)
  const peaks = Array.from({ length: reader.u8() }, () => reader.bytes(HASH_BYTES))
  return { checkpoint, epochs, header, peaks }
}

/**
 * Verifies an offer from `known`, an epoch whose committee is trusted: over the records of the epochs that ended since, to the checkpoint's
 * committee, to the checkpoint, to the block that it is of and the history before it.
 *
 * @throws {LedgerError} as `verifyEpochRecord` and `verifyCheckpoint`; `WRONG_EPOCH`; `MALFORMED` for what does not belong together
 */
export function verifyOffer(ledger: LedgerId, known: EpochStart, verifier: Verifier, offer: SnapshotOffer): VerifiedOffer {
  const { checkpoint, epochs, header } = offer
  const start = startOf(ledger, known, verifier, epochs)
  const claimed = checkpoint.header
  if (claimed.epoch !== start.number) {
    throw new LedgerError({ code: 'WRONG_EPOCH', what: 'the checkpoint of a snapshot', found: claimed.epoch, wanted: start.number })
  }
  verifyCheckpoint(ledger, start.committee, verifier, checkpoint)
  // What seats of this version sign has its own state and all of its history; the block is one of that history, so its digest is certified.
  const isWhole = claimed.stateHeight === claimed.height && claimed.historySize === claimed.height && claimed.height > 0
  const isItsBlock =
    header.epoch === claimed.epoch &&
    header.slot === claimed.slot &&
    header.height === claimed.height &&
    header.parent === claimed.parent &&
    header.payloadRoot === claimed.payloadRoot &&
    header.nextCommittee === claimed.nextCommittee
  if (!isWhole || !isItsBlock || claimed.height <= start.base.height) throw malformed('its block is not the checkpoint’s')
  const point = pointOf(header)
  return { ...offer, start, point, history: historyOf(offer, point) }
}

/** How the last of these epochs began, if each committee handed over to the next. */
function startOf(ledger: LedgerId, known: EpochStart, verifier: Verifier, epochs: readonly EpochRecord[]): EpochStart {
  let start = known
  for (const record of epochs) {
    const committee: Committee = verifyEpochRecord(ledger, start.number, start.committee, verifier, record)
    if (record.endSlot <= start.base.slot || record.endHeight <= start.base.height) throw malformed('an epoch ends before it begins')
    // Of this block nothing else is looked at once there is a later one.
    const base: ChainPoint = {
      digest: record.endBlock,
      epoch: record.epoch,
      slot: record.endSlot,
      height: record.endHeight,
      time: 0,
      stateHeight: 0,
      nextCommittee: committee.hash,
    }
    start = { number: start.number + 1, committee, base }
  }
  return start
}

/** The history with the checkpoint's block as its last must have the root that is certified. */
function historyOf({ checkpoint, peaks }: SnapshotOffer, { digest, height }: ChainPoint): readonly HistoryNode[] {
  const places = peakPlaces(height - 1)
  if (places.length !== peaks.length) throw malformed(`${peaks.length} peaks of a history of ${height - 1}`)
  const nodes = new Map<string, HistoryNode>()
  const set = (level: number, index: number, hash: Uint8Array): void => void nodes.set(`${level}/${index}`, { level, index, hash })
  for (const [at, { level, index }] of places.entries()) set(level, index, peaks[at] ?? digestBytes(digest))
  const tree = new HistoryTree({ get: (level, index) => nodes.get(`${level}/${index}`)?.hash, set }, height - 1)
  tree.append(digest)
  if (tree.root() !== checkpoint.header.historyRoot) throw malformed('its history is not the checkpoint’s')
  return [...nodes.values()]
}

function malformed(reason: string): LedgerError {
  return new LedgerError({ code: 'MALFORMED', what: 'snapshot offer', reason })
}
