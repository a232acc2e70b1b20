import { ByteReader, ByteWriter } from '../bytes.ts'
import { PUBLIC_KEY_BYTES } from '../committee.ts'
import { type Digest, digestBytes, taggedDigest } from '../digest.ts'
import type { LedgerId } from '../envelope.ts'
import { LedgerError } from '../errors.ts'
import { SIGNATURE_BYTES, type Signer, type Verifier } from '../signing.ts'
import { USER_KEY_BYTES_MAX, VALUE_BYTES_MAX } from './limits.ts'

/** What is to happen to a key. */
export type Action =
  | { readonly type: 'put'; readonly key: Uint8Array; readonly value: Uint8Array }
  | { readonly type: 'delete'; readonly key: Uint8Array }
  /** Sets `value` (deletes, if `undefined`) if the key's value has the SHA-256 `expected`; `undefined`: if the key has none. */
  | {
      readonly type: 'compare-and-set'
      readonly key: Uint8Array
      readonly expected: Digest | undefined
      readonly value: Uint8Array | undefined
    }

/**
 * One thing that a client wants done, once. It is its id: the same fields are the same operation, however often they arrive,
 * and a client that wants the same thing twice takes another nonce.
 */
export interface StateOperation {
  /** The client's Ed25519 key. */
  readonly client: Uint8Array
  /** {@link NONCE_BYTES} that the client has not used before. */
  readonly nonce: Uint8Array
  /** The last height at which it may be applied. After that the client knows that it has been applied, or never will be. */
  readonly lastHeight: number
  readonly action: Action
}

export const NONCE_BYTES = 16
const NO_SIGNATURE = new Uint8Array(SIGNATURE_BYTES)
const ACTIONS = ['put', 'delete', 'compare-and-set'] as const

/** What an operation is known by, on this ledger: its digest. */
export function operationId(ledger: LedgerId, operation: StateOperation): Digest {
  return idOf(ledger, encodeFields(operation))
}

/**
 * The operation as agreement carries it. Without a `signer` it is unsigned, which only a ledger accepts that trusts whoever reaches it.
 *
 * @throws {LedgerError} `TOO_LARGE`, `MALFORMED`
 */
export function encodeOperation(
  ledger: LedgerId,
  operation: StateOperation,
  signer?: Signer,
): { readonly id: Digest; readonly body: Uint8Array } {
  const fields = encodeFields(operation)
  const id = idOf(ledger, fields)
  const signature = signer === undefined ? NO_SIGNATURE : signer.sign(signedBytes(id))
  const body = Buffer.concat([fields, signature])
  readOperation(ledger, id, body)
  return { id, body }
}

interface Decoded {
  readonly ledger: LedgerId
  readonly id: string
  readonly operation: StateOperation
}

// Bodies are immutable. Each is looked at before it is queued, before a vote and when it is applied.
const decoded = new WeakMap<Uint8Array, Decoded>()

/**
 * Reads an operation, and checks that `id` is its id. Who signed it is {@link verifyOperation}'s question.
 *
 * @throws {LedgerError} `MALFORMED`, `TOO_LARGE`
 */
export function decodeOperation(ledger: LedgerId, id: string, body: Uint8Array): StateOperation {
  const known = decoded.get(body)
  if (known !== undefined && known.ledger === ledger && known.id === id) return known.operation
  const operation = readOperation(ledger, id, body)
  decoded.set(body, { ledger, id, operation })
  return operation
}

function readOperation(ledger: LedgerId, id: string, body: Uint8Array): StateOperation {
  const reader = new ByteReader(body, 'operation')
  const client = reader.bytes(PUBLIC_KEY_BYTES)
  const nonce = reader.bytes(NONCE_BYTES)
  const lastHeight = reader.u64()
  const action = readAction(reader)
  reader.bytes(SIGNATURE_BYTES)
  reader.end()
  if (idOf(ledger, body.subarray(0, body.byteLength - SIGNATURE_BYTES)) !== id) throw reader.fault('its id is another')
  return { client, nonce, lastHeight, action }
}

/** That a client's key has signed something: what a verifier is asked. */
export interface OperationSignature {
  readonly publicKey: Uint8Array
  readonly bytes: Uint8Array
  readonly signature: Uint8Array
}

/** What must be signed for the operation to be its client's. All of them have as many bytes. */
export function operationSignature(id: Digest, { client }: StateOperation, body: Uint8Array): OperationSignature {
  return { publicKey: client, bytes: signedBytes(id), signature: body.subarray(body.byteLength - SIGNATURE_BYTES) }
}

/**
 * Static validity: all of an operation that does not depend on the state. What is valid once is valid always, so it is checked before a seat
 * votes, by any thread, and never again.
 *
 * @throws {LedgerError} `MALFORMED`, `TOO_LARGE`, `OPERATION_FORGED`
 */
export function verifyOperation(ledger: LedgerId, verifier: Verifier, id: string, body: Uint8Array): StateOperation {
  const operation = decodeOperation(ledger, id, body)
  const { publicKey, bytes, signature } = operationSignature(id, operation, body)
  if (!verifier.verify(publicKey, bytes, signature)) throw new LedgerError({ code: 'OPERATION_FORGED', operation: id })
  return operation
}

/** client 32 | nonce 16 | lastHeight u64 | action u8 | key length u16 | key | the action's own fields, big-endian. */
function encodeFields({ client, nonce, lastHeight, action }: StateOperation): Uint8Array {
  const value = action.type === 'delete' ? undefined : action.value
  const writer = new ByteWriter(PUBLIC_KEY_BYTES + NONCE_BYTES + 11 + action.key.byteLength + 38 + (value?.byteLength ?? 0))
    .bytes(client)
    .bytes(nonce)
    .u64(lastHeight)
    .u8(ACTIONS.indexOf(action.type))
    .u16(action.key.byteLength)
    .bytes(action.key)
  if (action.type === 'compare-and-set') {
    writer.u8(action.expected === undefined ? 0 : 1)
    if (action.expected !== undefined) writer.digest(action.expected)
    writer.u8(value === undefined ? 0 : 1)
  }
  if (value !== undefined) writer.u32(value.byteLength).bytes(value)
  return writer.finish()
}

function readAction(reader: ByteReader): Action {
  const type = ACTIONS[reader.u8()]
  if (type === undefined) throw reader.fault('an unknown action')
  const keyBytes = reader.u16()
  if (keyBytes < 1) throw reader.fault('no key')
  bound('key', keyBytes, USER_KEY_BYTES_MAX)
  const key = reader.bytes(keyBytes)
  switch (type) {
    case 'put':
      return { type, key, value: readValue(reader) }
    case 'delete':
      return { type, key }
    case 'compare-and-set': {
      const expected = readFlag(reader) ? reader.digest() : undefined
      return { type, key, expected, value: readFlag(reader) ? readValue(reader) : undefined }
    }
    default:
      return type satisfies never
  }
}

function readFlag(reader: ByteReader): boolean {
  const flag = reader.u8()
  if (flag > 1) throw reader.fault(`flag ${flag}`)
  return flag === 1
}

function readValue(reader: ByteReader): Uint8Array {
  const valueBytes = reader.u32()
  bound('value', valueBytes, VALUE_BYTES_MAX)
  return reader.bytes(valueBytes)
}

function bound(what: string, value: number, max: number): void {
  if (value > max) throw new LedgerError({ code: 'TOO_LARGE', what: `${what} of an operation`, value, max })
}

function idOf({ networkId, chainId }: LedgerId, fields: Uint8Array): Digest {
  return taggedDigest('cairn-ledger-operation-v1', digestBytes(networkId), new ByteWriter(8).u64(chainId).finish(), fields)
}

/** What a client signs: the id, which holds ledger and fields, behind a tag that nothing else is signed with. */
function signedBytes(id: Digest): Uint8Array {
  return Buffer.concat([Buffer.from('cairn-ledger-operation-signature-v1\0', 'latin1'), digestBytes(id)])
}
