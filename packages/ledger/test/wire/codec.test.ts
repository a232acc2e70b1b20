import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { describe, it } from 'node:test'
import { LedgerError } from '../../src/errors.ts'
import { decodeMessage, encodeMessage, MESSAGE_BYTES_MAX } from '../../src/wire/message-codec.ts'
import { decodeLogRecord, encodeLogRecord } from '../../src/wire/record-codec.ts'
import { messages, records } from './samples.ts'

/** Copies of `value` whose bytes are plain arrays: what was read may be a Buffer. */
function plain(value: unknown): unknown {
  return JSON.parse(
    JSON.stringify(value, (_, each: unknown) => (each instanceof Uint8Array || isBufferJson(each) ? [...bytesOf(each)] : each)),
  )
}

function isBufferJson(value: unknown): value is { readonly data: readonly number[] } {
  return typeof value === 'object' && value !== null && 'type' in value && value.type === 'Buffer' && 'data' in value
}

function bytesOf(value: Uint8Array | { readonly data: readonly number[] }): Iterable<number> {
  return value instanceof Uint8Array ? value : value.data
}

describe('messages and records', () => {
  it('have the bytes that are pinned', () => {
    const url = new URL('../../../../test/vectors/ledger-wire.json', import.meta.url)
    const pinned = JSON.parse(readFileSync(url, 'utf8')) as { readonly messages: readonly string[]; readonly records: readonly string[] }
    const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex')
    assert.deepEqual(
      messages.map((message) => hex(encodeMessage(message))),
      pinned.messages,
    )
    assert.deepEqual(
      records.map(encodeLogRecord).map(({ type, body }) => `${type} ${hex(body)}`),
      pinned.records,
    )
  })

  for (const [index, message] of messages.entries()) {
    it(`come back as they were: ${message.type} ${index}`, () => {
      const bytes = encodeMessage(message)
      assert.deepEqual(plain(decodeMessage(bytes)), plain(message))
      assert.deepEqual(Buffer.from(encodeMessage(decodeMessage(bytes))), Buffer.from(bytes))
    })

    it(`are refused when cut off or longer: ${message.type} ${index}`, () => {
      const bytes = encodeMessage(message)
      for (let end = 0; end < bytes.byteLength; end++) assert.throws(() => decodeMessage(bytes.subarray(0, end)), LedgerError)
      assert.throws(() => decodeMessage(Buffer.concat([bytes, Uint8Array.of(0)])), LedgerError)
    })
  }

  for (const record of records) {
    it(`come back from the log: ${record.type}`, () => {
      const { type, body } = encodeLogRecord(record)
      assert.deepEqual(plain(decodeLogRecord(type, body)), plain(record))
      for (let end = 0; end < body.byteLength; end++) assert.throws(() => decodeLogRecord(type, body.subarray(0, end)), LedgerError)
      assert.throws(() => decodeLogRecord(type, Buffer.concat([body, Uint8Array.of(0)])), LedgerError)
    })
  }

  it('are refused when they are of no type, or too large', () => {
    assert.throws(() => decodeMessage(Uint8Array.of(99)), LedgerError)
    assert.throws(() => decodeLogRecord(0, new Uint8Array(0)), LedgerError)
    assert.throws(() => decodeLogRecord(8, new Uint8Array(0)), LedgerError)
    assert.throws(
      () => decodeMessage(new Uint8Array(MESSAGE_BYTES_MAX + 1)),
      (error) => error instanceof LedgerError && error.fault.code === 'TOO_LARGE',
    )
  })

  it('never do anything but be refused when they are changed', () => {
    for (const message of messages) {
      const bytes = encodeMessage(message)
      for (let at = 0; at < bytes.byteLength; at++) {
        const changed = new Uint8Array(bytes)
        changed[at]! ^= 0xff
        try {
          assert.deepEqual(Buffer.from(encodeMessage(decodeMessage(changed))), Buffer.from(changed))
        } catch (error) {
          assert.ok(error instanceof LedgerError, String(error))
        }
      }
    }
  })
})
