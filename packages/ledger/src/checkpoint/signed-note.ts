import { sha256 } from '@cairn/protocol'
import { PUBLIC_KEY_BYTES } from '../committee.ts'
import { LedgerError } from '../errors.ts'
import type { Signer, Verifier } from '../signing.ts'

/**
 * Signed notes, a text and lines that sign it, as transparency logs and their witnesses exchange them.
 *
 * @see https://c2sp.org/signed-note
 */
export interface SignedNote {
  /** Ends with a newline. */
  readonly text: string
  readonly signatures: readonly NoteSignature[]
}

/** One line of a note. Key name and id together name the key. */
export interface NoteSignature {
  readonly name: string
  /** u32. */
  readonly keyId: number
  readonly signature: Uint8Array
}

/** An Ed25519 key under its name: what others call a verifier key. */
export interface NoteKey {
  readonly name: string
  readonly publicKey: Uint8Array
}

/** Witnesses may add many; the specification asks for 16 at least, others refuse more than 100. */
const NOTE_SIGNATURES_MAX = 100
/** A text of some lines, and that many signatures of a post-quantum algorithm. */
const NOTE_BYTES_MAX = 1024 * 1024

const TYPE_ED25519 = 0x01
const KEY_ID_BYTES = 4
/** Unicode's White_Space, which a key name must not contain, nor a plus. */
const NOT_IN_NAMES = /[\p{White_Space}+]/u
// oxlint-disable-next-line no-control-regex -- that is what a note must not contain
const CONTROL = /[\u0000-\u0009\u000b-\u001f]/

/** The first 4 bytes of SHA-256(name ‖ newline ‖ type ‖ key), as a number. */
export function noteKeyId({ name, publicKey }: NoteKey): number {
  const digest = sha256(Buffer.concat([Buffer.from(`${name}\n`), Uint8Array.of(TYPE_ED25519), publicKey]))
  return Buffer.from(digest).readUInt32BE()
}

/** `name+id+key`, as verifiers are configured with it. */
export function encodeNoteKey(key: NoteKey): string {
  const { name, publicKey } = key
  return `${name}+${hex32(noteKeyId(key))}+${Buffer.concat([Uint8Array.of(TYPE_ED25519), publicKey]).toString('base64')}`
}

/** @throws {LedgerError} `BAD_NOTE` for text that {@link encodeNoteKey} would not write: another algorithm, or an id that is not the key's */
export function decodeNoteKey(text: string): NoteKey {
  const [, name = '', base64 = ''] = /^([^+]+)\+[0-9a-f]{8}\+(.+)$/s.exec(text) ?? []
  const bytes = decodeBase64(base64)
  const key = { name, publicKey: bytes.subarray(1) }
  if (!isName(name) || bytes.byteLength !== 1 + PUBLIC_KEY_BYTES || encodeNoteKey(key) !== text)
    throw badNote('not an Ed25519 verifier key')
  return key
}

/** What `signer` adds to a note with this text. */
export function signNote(text: string, name: string, signer: Signer): NoteSignature {
  checkText(text)
  if (!isName(name)) throw badNote(`${JSON.stringify(name)} is no name of a key`)
  return { name, keyId: noteKeyId({ name, publicKey: signer.publicKey }), signature: signer.sign(Buffer.from(text)) }
}

/** @throws {LedgerError} `BAD_NOTE` for a text or a name that no note may have */
export function encodeNote({ text, signatures }: SignedNote): string {
  checkText(text)
  if (signatures.length < 1 || signatures.length > NOTE_SIGNATURES_MAX) throw badNote(`${signatures.length} signatures`)
  const lines = signatures.map(({ name, keyId, signature }) => {
    if (!isName(name)) throw badNote(`${JSON.stringify(name)} is no name of a key`)
    const bytes = Buffer.alloc(KEY_ID_BYTES + signature.byteLength)
    bytes.writeUInt32BE(keyId)
    bytes.set(signature, KEY_ID_BYTES)
    return `— ${name} ${bytes.toString('base64')}\n`
  })
  return `${text}\n${lines.join('')}`
}

/** Reads a note of anyone: its form, and nothing about who signed it. @throws {LedgerError} `BAD_NOTE`, `TOO_LARGE` */
export function decodeNote(bytes: Uint8Array): SignedNote {
  if (bytes.byteLength > NOTE_BYTES_MAX)
    throw new LedgerError({ code: 'TOO_LARGE', what: 'note', value: bytes.byteLength, max: NOTE_BYTES_MAX })
  const whole = utf8(bytes)
  // The text may have empty lines of its own: the last one parts it from its signatures.
  const end = whole.lastIndexOf('\n\n') + 1
  if (end === 0) throw badNote('no signatures')
  const text = whole.slice(0, end)
  checkText(text)
  const lines = whole.slice(end + 1)
  if (!lines.endsWith('\n')) throw badNote('its last line does not end')
  const signatures = lines.slice(0, -1).split('\n').map(readLine)
  if (signatures.length > NOTE_SIGNATURES_MAX) throw badNote(`${signatures.length} signatures`)
  return { text, signatures }
}

/**
 * Those of `keys` that signed the note. Signatures of others say nothing, and are ignored.
 *
 * @throws {LedgerError} `BAD_NOTE` if none of `keys` signed it, or if a line claims that one did who did not; what {@link decodeNote} throws
 */
export function openNote(
  bytes: Uint8Array,
  keys: readonly NoteKey[],
  verifier: Verifier,
): { readonly text: string; readonly signers: readonly NoteKey[] } {
  const { text, signatures } = decodeNote(bytes)
  const signed = Buffer.from(text)
  const signers = new Set<NoteKey>()
  for (const { name, keyId, signature } of signatures) {
    const key = keys.find((each) => each.name === name && noteKeyId(each) === keyId)
    if (key === undefined || signers.has(key)) continue
    if (!verifier.verify(key.publicKey, signed, signature)) throw badNote(`the signature of ${name}+${hex32(keyId)} is not its own`)
    signers.add(key)
  }
  if (signers.size === 0) throw badNote('nobody known signed it')
  return { text, signers: [...signers] }
}

function readLine(line: string): NoteSignature {
  const [, name = '', base64 = ''] = /^— (\S+) (\S+)$/.exec(line) ?? []
  const bytes = Buffer.from(decodeBase64(base64))
  if (!isName(name) || bytes.byteLength <= KEY_ID_BYTES) throw badNote('a line that is no signature')
  return { name, keyId: bytes.readUInt32BE(), signature: new Uint8Array(bytes.subarray(KEY_ID_BYTES)) }
}

function checkText(text: string): void {
  if (!text.endsWith('\n') || CONTROL.test(text) || !text.isWellFormed()) throw badNote('not a text')
}

function isName(name: string): boolean {
  return name !== '' && !NOT_IN_NAMES.test(name) && !CONTROL.test(name) && name.isWellFormed()
}

function utf8(bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch (cause) {
    throw new LedgerError({ code: 'BAD_NOTE', reason: 'not UTF-8' }, { cause })
  }
}

/** RFC 4648 §4, in its one form: Node's decoder also takes other alphabets, and stops silently where something else begins. */
export function decodeBase64(text: string): Uint8Array {
  const bytes = Buffer.from(text, 'base64')
  if (bytes.toString('base64') !== text) throw badNote('not base64')
  return new Uint8Array(bytes)
}

export function badNote(reason: string): LedgerError {
  return new LedgerError({ code: 'BAD_NOTE', reason })
}

function hex32(value: number): string {
  return value.toString(16).padStart(8, '0')
}
