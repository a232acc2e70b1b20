import {
  ByteWriter,
  type ChainPoint,
  type CheckpointHeader,
  type Committee,
  digestBytes,
  EMPTY_TREE,
  HistoryTree,
  type LedgerId,
  taggedDigest,
  ZERO_DIGEST,
} from '@cairn/ledger'

/** The block before the first: what the ledger is and who began it. */
export function genesisPoint(ledger: LedgerId, committee: Committee): ChainPoint {
  const chain = new ByteWriter(8).u64(ledger.chainId).finish()
  const digest = taggedDigest('cairn-ledger-genesis-v1', digestBytes(ledger.networkId), chain, digestBytes(committee.hash))
  return { digest, epoch: 0, slot: 0, height: 0, time: 0, stateHeight: 0, nextCommittee: ZERO_DIGEST }
}

/** The checkpoint before the first block: nobody signs it, for everybody can work it out. */
export function genesisHeader(ledger: LedgerId, committee: Committee): CheckpointHeader {
  return {
    ...ledger,
    epoch: 0,
    slot: 0,
    height: 0,
    parent: genesisPoint(ledger, committee).digest,
    payloadRoot: ZERO_DIGEST,
    stateRoot: Buffer.from(EMPTY_TREE.hash).toString('hex'),
    stateHeight: 0,
    historyRoot: new HistoryTree().root(),
    historySize: 0,
    outboxRoot: ZERO_DIGEST,
    inboxRoot: ZERO_DIGEST,
    policyRoot: ZERO_DIGEST,
    committee: committee.hash,
    nextCommittee: ZERO_DIGEST,
  }
}
