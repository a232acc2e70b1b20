// A thread that checks operations' signatures: little is loaded, and nothing is kept but parsed keys.
import { ed25519Verifier } from '@cairn/ledger/signing'
import { serveCalls } from '@cairn/storage/worker'
import { type SignatureBatch, unpackSignatures } from './signature-batch.ts'

const verifier = ed25519Verifier()

/** A byte for each signature, in order: 1 for a good one. */
serveCalls((batch: SignatureBatch): Uint8Array =>
  Uint8Array.from(unpackSignatures(batch), ({ publicKey, bytes, signature }) => (verifier.verify(publicKey, bytes, signature) ? 1 : 0)),
)
