import type { Committee } from '../committee.ts'
import type { Digest } from '../digest.ts'
import { DIGEST_BYTES, digestBytes } from '../digest.ts'
import { ENVELOPE_TAG } from '../envelope.ts'
import { LedgerError } from '../errors.ts'
import type { Signer, Verifier } from '../signing.ts'
import type { CheckpointHeader } from './checkpoint.ts'
import { badNote, decodeBase64, encodeNote, type NoteKey, type NoteSignature, openNote, signNote } from './signed-note.ts'

/**
 * A history, by its size and root, in the text form that witnesses of transparency logs cosign.
 *
 * The origin is also the name of every seat's key: keys of one name are told apart by their ids, so a verifier that was configured with any
 * seat's key accepts the note, and one that knows the committee asks for a quorum.
 *
 * @see https://c2sp.org/tlog-checkpoint
 */
export interface TlogCheckpoint {
  /** What the log is known by everywhere: a URL without a scheme, for example `example.com/ledger`. */
  readonly origin: string
  readonly size: number
  readonly root: Digest
}

export function tlogCheckpointOf(origin: string, { historySize, historyRoot }: CheckpointHeader): TlogCheckpoint {
  return { origin, size: historySize, root: historyRoot }
}

/** @throws {LedgerError} `BAD_NOTE` for an origin that cannot be one line, or could be taken for something else that seats sign */
export function tlogText({ origin, size, root }: TlogCheckpoint): string {
  if (origin === '' || origin.includes('\n') || origin.startsWith(ENVELOPE_TAG)) throw badNote(`${JSON.stringify(origin)} is no origin`)
  return `${origin}\n${size}\n${Buffer.from(digestBytes(root)).toString('base64')}\n`
}

/**
 * Reads the text of a checkpoint. Extension lines are refused: ours have none, and nobody can audit them.
 *
 * @throws {LedgerError} `BAD_NOTE`
 */
export function parseTlogText(text: string): TlogCheckpoint {
  const lines = text.split('\n')
  const [origin = '', size = '', root = ''] = lines
  if (lines.length !== 4 || lines[3] !== '') throw badNote(`${lines.length - 1} lines, a checkpoint has three`)
  const hash = decodeBase64(root)
  const checkpoint = { origin, size: Number(size), root: Buffer.from(hash).toString('hex') }
  if (!/^(?:0|[1-9]\d*)$/.test(size) || !Number.isSafeInteger(checkpoint.size)) throw badNote(`a size of ${JSON.stringify(size)}`)
  if (hash.byteLength !== DIGEST_BYTES || tlogText(checkpoint) !== text) throw badNote('not the text of a checkpoint')
  return checkpoint
}

/** A seat's line under the checkpoint. A seat signs one only for a history that it has certified: never two that are not consistent. */
export function signTlogCheckpoint(checkpoint: TlogCheckpoint, signer: Signer): NoteSignature {
  return signNote(tlogText(checkpoint), checkpoint.origin, signer)
}

/** The note to publish. */
export function encodeTlogCheckpoint(checkpoint: TlogCheckpoint, signatures: readonly NoteSignature[]): string {
  return encodeNote({ text: tlogText(checkpoint), signatures })
}

/**
 * Verifies that a quorum of `committee` signed the note as the log `origin`. Cosignatures of witnesses are left to those who know their keys.
 *
 * @throws {LedgerError} `BAD_NOTE`, `TOO_FEW_SIGNERS`, `TOO_LARGE`
 */
export function verifyTlogCheckpoint(origin: string, committee: Committee, verifier: Verifier, note: Uint8Array): TlogCheckpoint {
  const { text, signers } = openNote(note, tlogKeys(origin, committee), verifier)
  const checkpoint = parseTlogText(text)
  if (checkpoint.origin !== origin) throw badNote(`it is of ${checkpoint.origin}`)
  const wanted = committee.thresholds.quorum
  if (signers.length < wanted) throw new LedgerError({ code: 'TOO_FEW_SIGNERS', what: 'tlog checkpoint', found: signers.length, wanted })
  return checkpoint
}

/** The keys that a verifier of `origin` is configured with. */
export function tlogKeys(origin: string, { members }: Committee): readonly NoteKey[] {
  return members.map(({ publicKey }) => ({ name: origin, publicKey }))
}
