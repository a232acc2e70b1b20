import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { ed25519Signer, ed25519Verifier, type OperationSignature } from '@cairn/ledger'
import { CHECKED_AT_ONCE, UNCHECKED_MAX } from '../../src/limits.ts'
import { packSignatures, type SignatureBatch, unpackSignatures } from '../../src/signatures/signature-batch.ts'
import { type CheckingThread, SignatureChecks } from '../../src/signatures/signature-checks.ts'

const SIGNER = ed25519Signer(new Uint8Array(32).fill(7))
const verifier = ed25519Verifier()

function claimOf(text: string): OperationSignature {
  const bytes = Buffer.from(text.padEnd(8))
  return { publicKey: SIGNER.publicKey, bytes, signature: SIGNER.sign(bytes) }
}

function forged(text: string): OperationSignature {
  return { ...claimOf(text), bytes: Buffer.from(`${text}!`.padEnd(8)) }
}

/** Answers when it is told to. */
class HeldThread implements CheckingThread {
  readonly batches: { readonly size: number; readonly answer: () => void; readonly fail: () => void }[] = []
  isDisposed = false

  async call(batch: SignatureBatch): Promise<Uint8Array> {
    const claims = [...unpackSignatures(batch)]
    return await new Promise((resolve, reject) => {
      this.batches.push({
        size: claims.length,
        answer: () =>
          resolve(Uint8Array.from(claims, ({ publicKey, bytes, signature }) => (verifier.verify(publicKey, bytes, signature) ? 1 : 0))),
        fail: () => reject(new Error('broken')),
      })
    })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.isDisposed = true
    for (const { fail } of this.batches) fail()
  }
}

const turn = async (): Promise<void> => await new Promise((resolve) => setImmediate(resolve))

describe('signature checks', { timeout: 60_000 }, () => {
  it('tell good from forged, in a thread', async () => {
    await using checks = new SignatureChecks({ verifier })
    const claims = Array.from({ length: 600 }, (_, index) => (index % 7 === 3 ? forged(`${index}`) : claimOf(`${index}`)))
    const verdicts = await Promise.all(claims.map((claim, index) => checks.isGood(claim, index % 2 === 0)))
    assert.deepEqual(
      verdicts,
      claims.map((_, index) => index % 7 !== 3),
    )
    assert.equal(checks.count, 0)
  })

  it('gather what comes while a thread works, what votes wait for first', async () => {
    const thread = new HeldThread()
    await using checks = new SignatureChecks({ verifier, threadsMax: 1, createThread: () => thread })
    const order: string[] = []
    const first = checks.isGood(claimOf('a'), false)
    const second = checks.isGood(claimOf('b'), false)
    await turn()
    assert.deepEqual(
      thread.batches.map(({ size }) => size),
      [2],
    )
    const others = Array.from({ length: CHECKED_AT_ONCE }, (_, index) =>
      checks.isGood(claimOf(`${index}`), false).then(() => order.push('other')),
    )
    const urgent = checks.isGood(claimOf('u'), true).then(() => order.push('urgent'))
    await turn()
    assert.equal(checks.count, CHECKED_AT_ONCE + 1)
    thread.batches[0]?.answer()
    assert.deepEqual(await Promise.all([first, second]), [true, true])
    assert.equal(thread.batches[1]?.size, CHECKED_AT_ONCE)
    thread.batches[1]?.answer()
    await urgent
    assert.equal(order[0], 'urgent')
    await turn()
    thread.batches[2]?.answer()
    await Promise.all(others)
  })

  it('have room for so many, and say so', async () => {
    const thread = new HeldThread()
    await using checks = new SignatureChecks({ verifier, threadsMax: 1, createThread: () => thread })
    const claim = claimOf('a')
    for (let count = 0; count < UNCHECKED_MAX; count++) {
      assert.ok(checks.hasRoom)
      void checks.isGood(claim, false)
    }
    assert.ok(!checks.hasRoom)
  })

  it('go on when a thread breaks', async () => {
    const threads: HeldThread[] = []
    const createThread = (): HeldThread => {
      const thread = new HeldThread()
      threads.push(thread)
      return thread
    }
    await using checks = new SignatureChecks({ verifier, threadsMax: 1, createThread })
    const verdicts = Promise.all([checks.isGood(claimOf('a'), false), checks.isGood(forged('b'), true)])
    await turn()
    threads[0]?.batches[0]?.fail()
    assert.deepEqual(await verdicts, [true, false])
    const next = checks.isGood(claimOf('c'), false)
    await turn()
    threads[1]?.batches[0]?.answer()
    assert.equal(await next, true)
  })

  it('say no when they are stopped, to those that wait too', async () => {
    const thread = new HeldThread()
    const checks = new SignatureChecks({ verifier, threadsMax: 1, createThread: () => thread })
    const held = checks.isGood(claimOf('a'), false)
    await turn()
    const waiting = checks.isGood(claimOf('b'), false)
    await checks[Symbol.asyncDispose]()
    assert.deepEqual(await Promise.all([held, waiting, checks.isGood(claimOf('c'), false)]), [false, false, false])
    assert.ok(thread.isDisposed)
  })
})

describe('a batch of signatures', () => {
  it('is what it was, and refuses what is longer or shorter', () => {
    const claims = [claimOf('a'), claimOf('b')]
    const unpacked = [...unpackSignatures(packSignatures(claims))]
    assert.deepEqual(
      unpacked.map((each) =>
        Object.values(each)
          .map((bytes: Uint8Array) => Buffer.from(bytes).toString('hex'))
          .toSorted(),
      ),
      claims.map((each) =>
        Object.values(each)
          .map((bytes: Uint8Array) => Buffer.from(bytes).toString('hex'))
          .toSorted(),
      ),
    )
    assert.throws(() => packSignatures([claimOf('a'), claimOf('longer than that')]), RangeError)
  })
})
