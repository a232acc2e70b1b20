import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { it } from 'node:test'
import { decodeCheckpoint, encodeCheckpoint } from '../../src/checkpoint/checkpoint.ts'
import { encodeTlogCheckpoint, signTlogCheckpoint, tlogCheckpointOf, verifyTlogCheckpoint } from '../../src/checkpoint/tlog-checkpoint.ts'
import { encodeEpochRecord } from '../../src/epoch-chain/epoch-record.ts'
import { followChain, type TrustRoot } from '../../src/light-client/light-client.ts'
import { decodeLightProof, encodeLightProof } from '../../src/light-client/light-proof-codec.ts'
import { ed25519Verifier } from '../../src/signing.ts'
import { chainOf } from './chains.ts'

const ORIGIN = 'example.com/ledger'

it('checkpoints, epoch records, light proofs and notes have the bytes that are pinned', () => {
  const url = new URL('../../../../test/vectors/ledger-checkpoint.json', import.meta.url)
  const pinned = JSON.parse(readFileSync(url, 'utf8')) as {
    readonly trustRoot: TrustRoot
    readonly checkpoint: string
    readonly epochs: readonly string[]
    readonly lightProof: string
    readonly note: string
  }
  const unhex = (text: string): Uint8Array => new Uint8Array(Buffer.from(text, 'hex'))
  const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex')
  const verifier = ed25519Verifier()
  const proof = decodeLightProof(unhex(pinned.lightProof))
  const { checkpoint, committee } = followChain(pinned.trustRoot, 0, verifier, proof)
  assert.equal(hex(encodeLightProof(proof)), pinned.lightProof)
  assert.deepEqual(
    proof.epochs.map((record) => hex(encodeEpochRecord(record))),
    pinned.epochs,
  )
  assert.equal(hex(encodeCheckpoint(decodeCheckpoint(unhex(pinned.checkpoint)))), pinned.checkpoint)
  assert.deepEqual(decodeCheckpoint(unhex(pinned.checkpoint)).header, checkpoint)
  const note = tlogCheckpointOf(ORIGIN, checkpoint)
  assert.deepEqual(verifyTlogCheckpoint(ORIGIN, committee, verifier, Buffer.from(pinned.note)), note)

  // Keys are fixed and Ed25519 is deterministic: made anew, all of it is the same.
  const made = chainOf('bft-4', 2)
  assert.deepEqual(made.root, pinned.trustRoot)
  assert.equal(hex(encodeLightProof(made.proof)), pinned.lightProof)
  const signatures = (made.committees.at(-1)?.signers ?? []).map((signer) => signTlogCheckpoint(note, signer))
  assert.equal(encodeTlogCheckpoint(note, signatures), pinned.note)
})
