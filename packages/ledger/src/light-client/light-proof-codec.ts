import { ByteReader, ByteWriter } from '../bytes.ts'
import { decodeCheckpoint, encodeCheckpoint, readCheckpointHeader, writeCheckpointHeader } from '../checkpoint/checkpoint.ts'
import { DIGEST_BYTES } from '../digest.ts'
import { readCommittee, writeCommittee } from '../epoch-chain/committee-delta.ts'
import { readEpochRecord, writeEpochRecord } from '../epoch-chain/epoch-record.ts'
import { LedgerError } from '../errors.ts'
import type { LightProof } from './light-client.ts'

/** What a joiner takes from a stranger in one piece: some ten thousand epochs. One that was away for longer is given a newer trust root. */
export const LIGHT_PROOF_BYTES_MAX = 16 * 1024 * 1024

/** committee | trusted header | epochs u32, records | newest length u32, newest | consistency u8, hashes. */
export function encodeLightProof(proof: LightProof): Uint8Array {
  const writer = new ByteWriter(1024 + 1024 * proof.epochs.length)
  writeCommittee(writer, proof.committee)
  writeCheckpointHeader(writer, proof.trusted)
  writer.u32(proof.epochs.length)
  for (const record of proof.epochs) writeEpochRecord(writer, record)
  const newest = encodeCheckpoint(proof.newest)
  writer.u32(newest.byteLength).bytes(newest).u8(proof.consistency.length)
  for (const hash of proof.consistency) writer.bytes(hash)
  return writer.finish()
}

/** @throws {LedgerError} `TOO_LARGE`, `MALFORMED`, `BAD_COMMITTEE` */
export function decodeLightProof(bytes: Uint8Array): LightProof {
  if (bytes.byteLength > LIGHT_PROOF_BYTES_MAX) {
    throw new LedgerError({ code: 'TOO_LARGE', what: 'light proof', value: bytes.byteLength, max: LIGHT_PROOF_BYTES_MAX })
  }
  const reader = new ByteReader(bytes, 'light proof')
  const committee = readCommittee(reader)
  const trusted = readCheckpointHeader(reader)
  const epochs: LightProof['epochs'][number][] = []
  for (let left = reader.u32(); left > 0; left--) epochs.push(readEpochRecord(reader))
  const newest = decodeCheckpoint(reader.bytes(reader.u32()))
  const consistency = Array.from({ length: reader.u8() }, () => reader.bytes(DIGEST_BYTES))
  reader.end()
  return { committee, trusted, epochs, newest, consistency }
}
