import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { Connection, Stream, StreamHandler } from '@libp2p/interface'
import { ManualClock } from '@cairn/runtime/testing'
import { throttled } from '../../src/libp2p/gossip-throttle.ts'
import { GOSSIP_BURST_BYTES_MAX, GOSSIP_BYTES_PER_SECOND_MAX } from '../../src/limits.ts'

describe('throttled', () => {
  test('a handler gets the stream paused, and hears everything from its start', async () => {
    const { clock, stream, heard } = await setUp()
    assert.equal(stream.readStatus, 'paused')
    stream.deliver(10)
    await clock.advance(0)
    stream.deliver(20)
    assert.deepEqual(heard, [10, 20])
  })

  test('reading stops after a burst and goes on at the sustained rate', async () => {
    const { clock, stream } = await setUp()
    await clock.advance(0)
    stream.deliver(GOSSIP_BURST_BYTES_MAX)
    await Promise.resolve()
    assert.equal(stream.readStatus, 'readable')
    stream.deliver(GOSSIP_BYTES_PER_SECOND_MAX)
    await Promise.resolve()
    assert.equal(stream.readStatus, 'paused')
    await clock.advance(999)
    assert.equal(stream.readStatus, 'paused')
    await clock.advance(1)
    assert.equal(stream.readStatus, 'readable')
  })

  test('a closed stream leaves no timer behind', async () => {
    const { clock, stream } = await setUp()
    await clock.advance(0)
    stream.deliver(2 * GOSSIP_BURST_BYTES_MAX)
    await Promise.resolve()
    assert.notEqual(clock.nextTimerMs(), undefined)
    stream.dispatchEvent(new Event('close'))
    assert.equal(clock.nextTimerMs(), undefined)
  })
})

/** As much of a stream as the throttle sees. */
class FakeStream extends EventTarget {
  readStatus: 'readable' | 'paused' = 'readable'
  readonly #held: number[] = []

  deliver(bytes: number): void {
    this.#held.push(bytes)
    if (this.readStatus === 'readable') this.#dispatch()
  }

  pause(): void {
    this.readStatus = 'paused'
  }

  resume(): void {
    this.readStatus = 'readable'
    this.#dispatch()
  }

  #dispatch(): void {
    for (const byteLength of this.#held.splice(0)) this.dispatchEvent(Object.assign(new Event('message'), { data: { byteLength } }))
  }
}

async function setUp(): Promise<{ clock: ManualClock; stream: FakeStream; heard: number[] }> {
  const clock = new ManualClock()
  const stream = new FakeStream()
  const heard: number[] = []
  let registered: StreamHandler | undefined
  const registrar = { handle: (_protocol: string, handler: StreamHandler) => Promise.resolve((registered = handler)) }
  const listen = (): void =>
    stream.addEventListener('message', (event) => heard.push((event as unknown as { data: { byteLength: number } }).data.byteLength))
  await throttled(registrar as unknown as Parameters<typeof throttled>[0], clock).handle('/gossip', listen)
  await registered?.(stream as unknown as Stream, {} as Connection)
  return { clock, stream, heard }
}
