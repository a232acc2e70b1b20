import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { describe, it } from 'node:test'
import * as fc from 'fast-check'
import { LedgerError } from '../../src/errors.ts'
import { ed25519Signer, ed25519Verifier } from '../../src/signing.ts'
import { applyBlock, GENESIS_STATE, type LedgerState, type OperationResult, readState } from '../../src/state/apply-block.ts'
import { FORGOTTEN_PER_BLOCK_MAX, LIFETIME_HEIGHTS_MAX } from '../../src/state/limits.ts'
import { type Action, decodeOperation, encodeOperation, type StateOperation, verifyOperation } from '../../src/state/operation.ts'
import { MemoryPages } from '../../src/state/page-source.ts'
import type { Payload } from '../../src/payload.ts'

const LEDGER = { networkId: 'aa'.repeat(32), chainId: 7 }
const client = ed25519Signer(new Uint8Array(32).fill(1))
const bytes = (text: string): Uint8Array => new Uint8Array(Buffer.from(text))
const digest = (text: string): string => createHash('sha256').update(text).digest('hex')

let nonces = 0
const operation = (action: Action, lastHeight = 100): StateOperation => {
  const nonce = new Uint8Array(16)
  new DataView(nonce.buffer).setUint32(0, nonces++)
  return { client: client.publicKey, nonce, lastHeight, action }
}
const put = (key: string, value: string): Action => ({ type: 'put', key: bytes(key), value: bytes(value) })
const set = (key: string, expected: string | undefined, value: string | undefined): Action => ({
  type: 'compare-and-set',
  key: bytes(key),
  expected: expected === undefined ? undefined : digest(expected),
  value: value === undefined ? undefined : bytes(value),
})
const handedIn = (operation: StateOperation): Payload[number] => encodeOperation(LEDGER, operation)

/** A ledger of one, in memory. */
class TestState {
  readonly pages = new MemoryPages()
  state: LedgerState = GENESIS_STATE

  apply(...payload: Payload): readonly OperationResult[] {
    const { state, written, dropped, results } = applyBlock(this.pages, LEDGER, this.state, payload)
    for (const page of written) this.pages.add(page)
    for (const hash of dropped) this.pages.delete(hash)
    this.state = state
    return results
  }

  read(key: string): string | undefined {
    const value = readState(this.pages, this.state.root, bytes(key))
    return value && Buffer.from(value).toString()
  }
}

describe('applying a block', () => {
  it('puts, deletes and compares', () => {
    const ledger = new TestState()
    const results = ledger.apply(
      ...[
        put('a', '1'),
        set('a', '1', '2'),
        set('a', '1', '3'),
        set('b', undefined, 'new'),
        set('a', undefined, 'x'),
        set('b', 'new', undefined),
        { type: 'delete', key: bytes('c') } as const,
      ].map((action) => handedIn(operation(action))),
    )
    assert.deepEqual(
      results.map(({ type }) => type),
      ['applied', 'applied', 'conflict', 'applied', 'conflict', 'applied', 'applied'],
    )
    assert.equal(ledger.read('a'), '2')
    assert.equal(ledger.read('b'), undefined)
  })

  it('gives an operation one effect, however often and in whatever block it comes', () => {
    const ledger = new TestState()
    const [first, second] = [handedIn(operation(put('a', '1'))), handedIn(operation(put('a', '2')))]
    assert.deepEqual(ledger.apply(first, first), [
      { type: 'applied', height: 1, isRepeat: false },
      { type: 'applied', height: 1, isRepeat: true },
    ])
    ledger.apply(second)
    assert.deepEqual(ledger.apply(first), [{ type: 'applied', height: 1, isRepeat: true }])
    assert.equal(ledger.read('a'), '2')
  })

  it('remembers a conflict too: a later block does not make it true', () => {
    const ledger = new TestState()
    const late = handedIn(operation(set('a', '1', '2')))
    assert.deepEqual(ledger.apply(late), [{ type: 'conflict', height: 1, isRepeat: false }])
    ledger.apply(handedIn(operation(put('a', '1'))))
    assert.deepEqual(ledger.apply(late), [{ type: 'conflict', height: 1, isRepeat: true }])
    assert.equal(ledger.read('a'), '1')
  })

  it('forgets an operation when it has ended, and then refuses it', () => {
    const ledger = new TestState()
    const short = handedIn(operation(put('a', '1'), 2))
    const empty = ledger.state.root
    ledger.apply(short)
    ledger.apply(handedIn(operation({ type: 'delete', key: bytes('a') }, 2)))
    assert.deepEqual(ledger.apply(short), [{ type: 'expired' }])
    assert.equal(ledger.read('a'), undefined)
    assert.deepEqual(ledger.state.root, empty, 'nothing of it is left')
    assert.deepEqual(ledger.apply(handedIn(operation(put('a', '1'), 4 + LIFETIME_HEIGHTS_MAX + 1))), [{ type: 'ends-too-late' }])
    assert.deepEqual(ledger.apply(handedIn(operation(put('a', '1'), 5 + LIFETIME_HEIGHTS_MAX)))[0]?.type, 'applied')
  })

  it('forgets a bounded number in one block', () => {
    const ledger = new TestState()
    for (let block = 0; block < 3; block++) ledger.apply(...Array.from({ length: 4096 }, () => handedIn(operation(put('a', '1'), 3))))
    const before = ledger.state.root.entries
    assert.equal(before, 3 * 4096 + 2)
    ledger.apply()
    assert.equal(ledger.state.root.entries, before - FORGOTTEN_PER_BLOCK_MAX)
    ledger.apply()
    assert.equal(ledger.state.root.entries, 1)
  })

  it('does nothing for what is no operation, or one of another ledger', () => {
    const ledger = new TestState()
    const { id, body } = handedIn(operation(put('a', '1')))
    const elsewhere = encodeOperation({ ...LEDGER, chainId: 8 }, operation(put('a', '1')))
    assert.deepEqual(
      ledger.apply({ id: digest('x'), body }, { id, body: body.subarray(1) }, elsewhere),
      Array.from({ length: 3 }, () => ({ type: 'malformed' })),
    )
    assert.equal(ledger.read('a'), undefined)
  })

  it('is a register for each key, in any order of blocks (law)', () => {
    const action = fc.oneof(
      fc.record({ type: fc.constant('put' as const), key: fc.constantFrom('a', 'b', 'c'), value: fc.constantFrom('1', '2', '3') }),
      fc.record({ type: fc.constant('delete' as const), key: fc.constantFrom('a', 'b', 'c'), value: fc.constant(undefined) }),
      fc.record({
        type: fc.constant('set' as const),
        key: fc.constantFrom('a', 'b', 'c'),
        expected: fc.constantFrom(undefined, '1', '2', '3'),
        value: fc.constantFrom(undefined, '1', '2', '3'),
      }),
    )
    fc.assert(
      fc.property(fc.array(fc.array(action, { maxLength: 8 }), { maxLength: 6 }), (blocks) => {
        const [ledger, twin] = [new TestState(), new TestState()]
        const model = new Map<string, string>()
        for (const block of blocks) {
          const payload = block.map((each) =>
            handedIn(
              operation(
                each.type === 'put'
                  ? put(each.key, each.value)
                  : each.type === 'delete'
                    ? { type: 'delete', key: bytes(each.key) }
                    : set(each.key, each.expected, each.value),
              ),
            ),
          )
          const results = ledger.apply(...payload)
          assert.deepEqual(twin.apply(...payload), results)
          for (const [index, each] of block.entries()) {
            const applies = each.type !== 'set' || model.get(each.key) === each.expected
            assert.equal(results[index]?.type, applies ? 'applied' : 'conflict')
            if (applies && each.value === undefined) model.delete(each.key)
            else if (applies && each.value !== undefined) model.set(each.key, each.value)
          }
          for (const key of ['a', 'b', 'c']) assert.equal(ledger.read(key), model.get(key))
          assert.deepEqual(twin.state, ledger.state)
        }
      }),
      { numRuns: 100 },
    )
  })
})

describe('operations', () => {
  const verifier = ed25519Verifier()
  const mine = operation(set('key', '1', 'value'))
  const signed = encodeOperation(LEDGER, mine, client)
  const refuses = (ledger: typeof LEDGER, id: string, body: Uint8Array, code: string): void => {
    assert.throws(
      () => verifyOperation(ledger, verifier, id, body),
      (error) => error instanceof LedgerError && error.fault.code === code,
    )
  }

  it('are what their client signed', () => {
    assert.deepEqual(verifyOperation(LEDGER, verifier, signed.id, signed.body), mine)
  })

  it('are refused when anything in them is changed', () => {
    for (let at = 0; at < signed.body.byteLength; at++) {
      const body = new Uint8Array(signed.body)
      body[at]! ^= 1
      assert.throws(() => verifyOperation(LEDGER, verifier, signed.id, body), LedgerError, `byte ${at}`)
    }
    refuses({ ...LEDGER, chainId: 8 }, signed.id, signed.body, 'MALFORMED')
    refuses({ ...LEDGER, networkId: 'bb'.repeat(32) }, signed.id, signed.body, 'MALFORMED')
    refuses(LEDGER, signed.id, encodeOperation(LEDGER, mine).body, 'OPERATION_FORGED')
    refuses(LEDGER, signed.id, encodeOperation(LEDGER, mine, ed25519Signer(new Uint8Array(32).fill(2))).body, 'OPERATION_FORGED')
    for (let end = 0; end < signed.body.byteLength; end++) refuses(LEDGER, signed.id, signed.body.subarray(0, end), 'MALFORMED')
  })

  it('are bounded', () => {
    assert.throws(() => encodeOperation(LEDGER, operation(put('', ''))), LedgerError)
    assert.throws(() => encodeOperation(LEDGER, operation(put('k'.repeat(256), ''))), LedgerError)
    assert.throws(() => encodeOperation(LEDGER, operation(put('k', 'v'.repeat(32 * 1024 + 1)))), LedgerError)
    const largest = encodeOperation(LEDGER, operation(put('k'.repeat(255), 'v'.repeat(32 * 1024))))
    assert.equal(decodeOperation(LEDGER, largest.id, largest.body).action.key.byteLength, 255)
  })
})
