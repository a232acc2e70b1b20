// Writes ledger-wire.json and ledger-checkpoint.json beside this file.
// Run it by hand, and only to approve a new format: `node test/vectors/generate-ledger-wire.ts`. Tests read what is there.
import { writeFileSync } from 'node:fs'
import { encodeCheckpoint, encodeEpochRecord, encodeLightProof, encodeLogRecord, encodeMessage, encodeTlogCheckpoint, signTlogCheckpoint, tlogCheckpointOf } from '@cairn/ledger'
import { chainOf } from '../../packages/ledger/test/light-client/chains.ts'
import { messages, records } from '../../packages/ledger/test/wire/samples.ts'

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex')

write('ledger-wire', {
  messages: messages.map((message) => hex(encodeMessage(message))),
  records: records.map(encodeLogRecord).map(({ type, body }) => `${type} ${hex(body)}`),
})

const { root, proof, committees } = chainOf('bft-4', 2)
const checkpoint = tlogCheckpointOf('example.com/ledger', proof.newest.header)
write('ledger-checkpoint', {
  trustRoot: root,
  checkpoint: hex(encodeCheckpoint(proof.newest)),
  epochs: proof.epochs.map((record) => hex(encodeEpochRecord(record))),
  lightProof: hex(encodeLightProof(proof)),
  note: encodeTlogCheckpoint(
    checkpoint,
    (committees.at(-1)?.signers ?? []).map((signer) => signTlogCheckpoint(checkpoint, signer)),
  ),
})

function write(format: string, vectors: object): void {
  writeFileSync(new URL(`${format}.json`, import.meta.url), `${JSON.stringify(vectors, undefined, 2)}\n`)
}
