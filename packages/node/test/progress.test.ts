import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { NodeEvent } from '../src/index.ts'
import { type JoinProgress, ProgressTracker } from '../src/progress.ts'

const snapshot = 'bafy'
const started: NodeEvent = { type: 'download-started', snapshot, chunksCount: 10, chunksHeld: 4, bytes: 1000, bytesHeld: 400 }

describe('ProgressTracker', () => {
  it('starts with nothing', () => {
    assert.deepEqual(after(), {
      phase: 'connecting',
      chunksCount: 0,
      chunksHeld: 0,
      bytes: 0,
      bytesHeld: 0,
      receivedBytes: 0,
      wastedBytes: 0,
      servedBytes: 0,
      stage: undefined,
      isUsable: false,
      usableMs: undefined,
      slowed: undefined,
      stalled: undefined,
      peersCount: 0,
    })
  })

  it('goes through the phases of a join', () => {
    const phases: JoinProgress['phase'][] = []
    const tracker = new ProgressTracker()
    for (const event of [
      { type: 'waiting', reason: 'metadata' },
      { type: 'waiting', reason: 'manifest' },
      { type: 'waiting', reason: 'checking' },
      started,
      { type: 'download-complete', snapshot, durationMs: 1 },
      { type: 'join-complete', snapshot, durationMs: 2 },
    ] as const) {
      tracker.report(event)
      phases.push(tracker.progress.phase)
    }
    assert.deepEqual(phases, ['metadata', 'manifest', 'checking', 'fetching', 'finishing', 'complete'])
  })

  it('counts on from what an earlier run had placed', () => {
    const progress = after(
      started,
      { type: 'chunk-received', snapshot, peer: 'a', chunk: 1, frameBytes: 60, plainBytes: 100 },
      { type: 'chunk-received', snapshot, peer: 'b', chunk: 2, frameBytes: 40, plainBytes: 50 },
    )
    assert.deepEqual([progress.chunksHeld, progress.bytesHeld, progress.receivedBytes], [6, 550, 100])
    assert.deepEqual([progress.chunksCount, progress.bytes], [10, 1000])
  })

  it('begins anew with a second download, and remembers what the first one cost', () => {
    const received: NodeEvent = { type: 'chunk-received', snapshot, peer: 'a', chunk: 1, frameBytes: 60, plainBytes: 100 }
    const progress = after(started, received, started, received)
    assert.deepEqual([progress.chunksHeld, progress.bytesHeld, progress.receivedBytes], [5, 500, 120])
  })

  it('keeps what was of no use, and what was given to others, apart', () => {
    const progress = after(
      started,
      { type: 'chunk-wasted', snapshot, peer: 'a', chunk: 1, frameBytes: 60 },
      { type: 'block-served', peer: 'a', frameBytes: 7, isNewcomer: false },
      { type: 'block-served', peer: 'b', frameBytes: 8, isNewcomer: false },
    )
    assert.deepEqual([progress.receivedBytes, progress.wastedBytes, progress.servedBytes, progress.chunksHeld], [0, 60, 15, 4])
  })

  it('says what it is stalled by, until it is not', () => {
    const stall: NodeEvent = { type: 'download-stalled', snapshot, reason: 'no-source' }
    assert.equal(after(started, stall).stalled, 'no-source')
    assert.equal(after(started, stall, { type: 'download-stalled', snapshot, reason: 'sources-slow' }).stalled, 'sources-slow')
    assert.equal(after(started, stall, { type: 'download-resumed', snapshot }).stalled, undefined)
    assert.equal(after(started, stall, { type: 'download-complete', snapshot, durationMs: 1 }).stalled, undefined)
  })

  it('knows the last stage in place, and how many peers are there', () => {
    const progress = after(
      { type: 'peer-connected', peer: 'a' },
      { type: 'peer-connected', peer: 'b' },
      { type: 'stage-committed', stage: 'bootstrap', sinceStartMs: 1, isResumed: false },
      { type: 'stage-committed', stage: 'hot', sinceStartMs: 2, isResumed: false },
      { type: 'peer-disconnected', peer: 'a' },
    )
    assert.deepEqual([progress.stage, progress.peersCount], ['hot', 1])
  })

  it('gives values that later events do not change', () => {
    const tracker = new ProgressTracker()
    tracker.report(started)
    const before = tracker.progress
    const copy = { ...before }
    tracker.report({ type: 'chunk-received', snapshot, peer: 'a', chunk: 1, frameBytes: 60, plainBytes: 100 })
    assert.deepEqual(before, copy)
    assert.notEqual(tracker.progress, before)
  })

  it('does not mind events that change nothing', () => {
    assert.deepEqual(
      after({ type: 'metadata-refreshed', peer: 'a', filesCount: 1 }, { type: 'announced', snapshot, complete: true }),
      after(),
    )
  })
})

function after(...events: readonly NodeEvent[]): JoinProgress {
  const tracker = new ProgressTracker()
  for (const event of events) tracker.report(event)
  return tracker.progress
}
