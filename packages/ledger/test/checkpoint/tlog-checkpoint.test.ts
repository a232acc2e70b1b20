import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { decodeNote, decodeNoteKey, encodeNote, encodeNoteKey, noteKeyId, openNote, signNote } from '../../src/checkpoint/signed-note.ts'
import {
  encodeTlogCheckpoint,
  parseTlogText,
  signTlogCheckpoint,
  tlogKeys,
  tlogText,
  verifyTlogCheckpoint,
} from '../../src/checkpoint/tlog-checkpoint.ts'
import { LedgerError } from '../../src/errors.ts'
import { ed25519Signer, ed25519Verifier } from '../../src/signing.ts'
import { committeeOf, signersOf } from '../fixtures.ts'

const verifier = ed25519Verifier()
const utf8 = (text: string): Uint8Array => new Uint8Array(Buffer.from(text))

// The example of golang.org/x/mod/sumdb/note, which every implementation of the format is checked against: key, text and signature were made
// by that one, and Ed25519 signatures are deterministic, so writing the same bytes and accepting them shows that both agree.
const PETER = 'PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW'
const PETER_SECRET = 'AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz'
const ENOCH = 'EnochRoot+af0cfe78+ATtqJ7zOtqQtYqOo0CpvDXNlMhV3HeJDpjrASKGLWdop'
const TEXT = "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n"
const PETER_LINE = '— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n'
const ENOCH_LINE = '— EnochRoot rwz+eBzmZa0SO3NbfRGzPCpDckykFXSdeX+MNtCOXm2/5n2tiOHp+vAF1aGrQ5ovTG01oOTGwnWLox33WWd1RvMc+QQ=\n'
const NOTE = `${TEXT}\n${PETER_LINE}${ENOCH_LINE}`

function refuses(work: () => unknown, code: string): void {
  assert.throws(work, (error) => error instanceof LedgerError && error.fault.code === code)
}

describe('signed notes, by the public example', () => {
  const [peter, enoch] = [decodeNoteKey(PETER), decodeNoteKey(ENOCH)]

  it('have keys with the same ids', () => {
    assert.equal(noteKeyId(peter), 0xc74f20a3)
    assert.equal(noteKeyId(enoch), 0xaf0cfe78)
    assert.equal(encodeNoteKey(peter), PETER)
  })

  it('are signed with the same bytes', () => {
    const signer = ed25519Signer(Buffer.from(PETER_SECRET, 'base64').subarray(1))
    assert.equal(encodeNote({ text: TEXT, signatures: [signNote(TEXT, 'PeterNeumann', signer)] }), `${TEXT}\n${PETER_LINE}`)
  })

  it('are opened by whom they are signed for', () => {
    assert.deepEqual(openNote(utf8(NOTE), [peter], verifier), { text: TEXT, signers: [peter] })
    assert.deepEqual(openNote(utf8(NOTE), [enoch, peter], verifier).signers, [peter, enoch])
    assert.deepEqual(openNote(utf8(NOTE + PETER_LINE), [peter], verifier).signers, [peter])
    assert.equal(encodeNote(decodeNote(utf8(NOTE))), NOTE)
  })

  it('are refused when nobody known signed, or somebody known did not', () => {
    refuses(() => openNote(utf8(NOTE), [], verifier), 'BAD_NOTE')
    refuses(() => openNote(utf8(NOTE.replace('your problem,', 'my problem,')), [peter], verifier), 'BAD_NOTE')
    refuses(() => openNote(utf8(`${TEXT}\n${PETER_LINE.slice(0, 60)}ABCD${PETER_LINE.slice(60)}`), [peter], verifier), 'BAD_NOTE')
  })

  it('are refused when they are none', () => {
    const bad = [
      '',
      TEXT,
      `${TEXT}\n`,
      `${TEXT}\n${PETER_LINE.slice(0, -1)}`,
      `\u0001${TEXT}\n${PETER_LINE}`,
      `${TEXT}\n${PETER_LINE.replace('PeterNeumann', 'Bad Name')}`,
      `${TEXT}\n${PETER_LINE.replace('PeterNeumann', 'a+b')}`,
      `${TEXT}\n${PETER_LINE.replace('PeterNeumann', 'a\u00a0b')}`,
      `${TEXT}\n${PETER_LINE}Unexpected line.\n`,
      `${TEXT}\n${PETER_LINE.replace('—', '-')}`,
      `${TEXT}\n${PETER_LINE.replace('=', '')}`,
      `${TEXT}\n${PETER_LINE.repeat(101)}`,
    ]
    for (const note of bad) refuses(() => openNote(utf8(note), [peter], verifier), 'BAD_NOTE')
    refuses(() => openNote(Buffer.concat([Uint8Array.of(0xff), utf8(NOTE)]), [peter], verifier), 'BAD_NOTE')
    refuses(() => openNote(new Uint8Array(2 ** 20 + 1).fill(0x61), [peter], verifier), 'TOO_LARGE')
  })

  it('are not opened by any mangling of a key', () => {
    for (let start = 0; start < PETER.length; start++) {
      for (let end = start + 1; end <= PETER.length; end++) {
        if (end - start < PETER.length) refuses(() => decodeNoteKey(PETER.slice(start, end)), 'BAD_NOTE')
      }
    }
    for (let at = 0; at < PETER.length; at++) {
      const mangled = PETER.slice(0, at) + String.fromCodePoint(PETER.codePointAt(at)! + 1) + PETER.slice(at + 1)
      refuses(() => decodeNoteKey(mangled), 'BAD_NOTE')
    }
    refuses(() => decodeNoteKey('PeterNeumann+173116ae+ZRpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW'), 'BAD_NOTE')
    refuses(() => decodeNoteKey('PeterNeumann+cc469956+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TWBADKEY=='), 'BAD_NOTE')
  })
})

describe('checkpoints as notes', () => {
  // The example of c2sp.org/tlog-checkpoint.
  const EXAMPLE = 'example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n'
  const origin = 'example.com/ledger'
  const signers = signersOf(7)
  const committee = committeeOf('bft-7', signers)
  const checkpoint = { origin, size: 12_345, root: '5a'.repeat(32) }
  const note = (count: number): string =>
    encodeTlogCheckpoint(
      checkpoint,
      signers.slice(0, count).map((signer) => signTlogCheckpoint(checkpoint, signer)),
    )

  it('have the text of the specification', () => {
    const parsed = parseTlogText(EXAMPLE)
    assert.deepEqual([parsed.origin, parsed.size], ['example.com/behind-the-sofa', 20_852_163])
    assert.equal(tlogText(parsed), EXAMPLE)
  })

  it('are refused in any other form', () => {
    const [first, size, root] = EXAMPLE.split('\n')
    const bad = [
      `${first}\n0${size}\n${root}\n`,
      `${first}\n+${size}\n${root}\n`,
      `${first}\n\n${root}\n`,
      `${first}\n${size}.0\n${root}\n`,
      `${first}\n9007199254740993\n${root}\n`,
      `\n${size}\n${root}\n`,
      `${first}\n${size}\n${root?.slice(0, -4)}\n`,
      `${first}\n${size}\n${root}\nextension\n`,
      `${first}\n${size}\n${root}`,
    ]
    for (const text of bad) refuses(() => parseTlogText(text), 'BAD_NOTE')
    refuses(() => tlogText({ ...checkpoint, origin: 'a\nb' }), 'BAD_NOTE')
    refuses(() => tlogText({ ...checkpoint, origin: 'cairn-ledger-envelope-v1' }), 'BAD_NOTE')
  })

  it('are believed when a quorum of seats signed, also beside witnesses', () => {
    const { quorum } = committee.thresholds
    const witnessed = `${note(quorum)}— witness.example.com/w1 jWbPPwAAAABkGFDLEZMHwSRaJNiIDoe9DYn/zXcrtPHeolMI5OWXEhZCB9dlrDJsX3b2oyin1nPZqhf5nNo0xUe+mbIUBkBIfZ+qnA==\n`
    assert.deepEqual(verifyTlogCheckpoint(origin, committee, verifier, utf8(note(quorum))), checkpoint)
    assert.deepEqual(verifyTlogCheckpoint(origin, committee, verifier, utf8(witnessed)), checkpoint)
    refuses(() => verifyTlogCheckpoint(origin, committee, verifier, utf8(note(quorum - 1))), 'TOO_FEW_SIGNERS')
    refuses(() => verifyTlogCheckpoint('example.com/other', committee, verifier, utf8(note(quorum))), 'BAD_NOTE')
    const repeated = note(quorum - 1) + note(1).split('\n\n')[1]!
    refuses(() => verifyTlogCheckpoint(origin, committee, verifier, utf8(repeated)), 'TOO_FEW_SIGNERS')
  })

  it('open for a plain verifier that knows one seat', () => {
    assert.equal(openNote(utf8(note(5)), [tlogKeys(origin, committee)[2]!], verifier).signers.length, 1)
  })
})
