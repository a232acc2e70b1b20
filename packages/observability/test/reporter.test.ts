import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Log, LogFields, Reporter } from '@cairn/runtime'
import { createReporter, type EventTable, fanOut, type MetricTable } from '../src/index.ts'
import { createMetrics } from '../src/metrics.ts'

type Event =
  | { readonly type: 'chunk-verified'; readonly peer: string; readonly bytes: number }
  | { readonly type: 'peer-banned'; readonly peer: string; readonly fault: { readonly code: string } }
  | { readonly type: 'stage-placed'; readonly stage: string; readonly files: readonly string[] }

const METRICS = {
  cairn_fetched_bytes_total: { type: 'counter', help: 'Verified bytes.', labels: ['peer'] },
  cairn_peers_banned_total: { type: 'counter', help: 'Bans.' },
} as const satisfies MetricTable

const EVENTS: EventTable<Event, typeof METRICS> = {
  'chunk-verified': { count: (metrics, { peer, bytes }) => metrics.add('cairn_fetched_bytes_total', bytes, { peer }) },
  'peer-banned': {
    log: 'warn',
    fields: ({ peer, fault }) => ({ peer, fault: fault.code }),
    count: (metrics) => metrics.add('cairn_peers_banned_total', 1),
  },
  'stage-placed': { log: 'info' },
}

describe('reporter', () => {
  it('logs and counts each event as its rule says, once', async () => {
    const log = new RecordingLog()
    const metrics = createMetrics(METRICS, { processMetrics: false })
    const reporter = createReporter(EVENTS, { log, metrics })
    reporter.report({ type: 'chunk-verified', peer: 'a', bytes: 10 })
    reporter.report({ type: 'peer-banned', peer: 'b', fault: { code: 'BAD_BLOCK' } })
    reporter.report({ type: 'stage-placed', stage: 'hot', files: ['x'] })
    assert.deepEqual(log.lines, [
      ['warn', 'peer-banned', { peer: 'b', fault: 'BAD_BLOCK' }],
      ['info', 'stage-placed', { stage: 'hot', files: ['x'] }],
    ])
    const text = await metrics.exposition.text()
    assert.match(text, /^cairn_fetched_bytes_total\{peer="a"\} 10$/m)
    assert.match(text, /^cairn_peers_banned_total 1$/m)
  })

  it('passes every event on to status and to further listeners, in order', () => {
    const heard: string[] = []
    const listener = (name: string): Reporter<Event> => ({ report: (event) => heard.push(`${name}:${event.type}`) })
    const metrics = createMetrics(METRICS, { processMetrics: false })
    const reporter = fanOut(createReporter(EVENTS, { log: new RecordingLog(), metrics, status: listener('status') }), listener('progress'))
    reporter.report({ type: 'chunk-verified', peer: 'a', bytes: 1 })
    assert.deepEqual(heard, ['status:chunk-verified', 'progress:chunk-verified'])
  })
})

class RecordingLog implements Log {
  readonly lines: [level: string, event: string, fields: LogFields | undefined][] = []

  debug(event: string, fields?: LogFields): void {
    this.lines.push(['debug', event, fields])
  }

  info(event: string, fields?: LogFields): void {
    this.lines.push(['info', event, fields])
  }

  warn(event: string, fields?: LogFields): void {
    this.lines.push(['warn', event, fields])
  }

  error(event: string, fields?: LogFields): void {
    this.lines.push(['error', event, fields])
  }

  child(): Log {
    return this
  }
}
