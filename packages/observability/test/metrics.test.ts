import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { createMetrics, LABEL_SETS_MAX, type MetricTable } from '../src/metrics.ts'

const TABLE = {
  cairn_fetched_bytes_total: { type: 'counter', help: 'Verified bytes fetched.', labels: ['peer'] },
  cairn_peers_connected: { type: 'gauge', help: 'Peers connected.' },
  cairn_fetch_seconds: { type: 'histogram', help: 'Time from want to last slice.', buckets: [0.1, 1] },
} as const satisfies MetricTable

describe('metrics', () => {
  it('exposes what was counted, with help and type', async () => {
    const metrics = createMetrics(TABLE, { processMetrics: false })
    metrics.add('cairn_fetched_bytes_total', 10, { peer: 'a' })
    metrics.add('cairn_fetched_bytes_total', 5, { peer: 'a' })
    metrics.set('cairn_peers_connected', 3)
    metrics.observe('cairn_fetch_seconds', 0.5)
    const text = await metrics.exposition.text()
    assert.match(text, /^# HELP cairn_fetched_bytes_total Verified bytes fetched\.$/m)
    assert.match(text, /^# TYPE cairn_fetched_bytes_total counter$/m)
    assert.match(text, /^cairn_fetched_bytes_total\{peer="a"\} 15$/m)
    assert.match(text, /^cairn_peers_connected 3$/m)
    assert.match(text, /^cairn_fetch_seconds_bucket\{le="1"\} 1$/m)
    assert.match(metrics.exposition.contentType, /^text\/plain/)
  })

  it('reads a gauge when it is read', async () => {
    const metrics = createMetrics(TABLE, { processMetrics: false })
    let peers = 1
    metrics.readGauge('cairn_peers_connected', () => peers)
    assert.match(await metrics.exposition.text(), /^cairn_peers_connected 1$/m)
    peers = 2
    assert.match(await metrics.exposition.text(), /^cairn_peers_connected 2$/m)
  })

  it('keeps registries apart and adds the metrics of the process', async () => {
    const first = createMetrics(TABLE)
    const second = createMetrics(TABLE)
    first.set('cairn_peers_connected', 9)
    assert.doesNotMatch(await second.exposition.text(), /^cairn_peers_connected 9$/m)
    assert.match(await first.exposition.text(), /^process_resident_memory_bytes /m)
  })

  it('counts label values beyond its bound together', async () => {
    const metrics = createMetrics(TABLE, { processMetrics: false })
    for (let i = 0; i < LABEL_SETS_MAX + 10; i++) metrics.add('cairn_fetched_bytes_total', 1, { peer: `p${i}` })
    metrics.add('cairn_fetched_bytes_total', 1, { peer: 'p0' })
    const text = await metrics.exposition.text()
    assert.match(text, /\{peer="other"\} 10$/m)
    assert.match(text, /\{peer="p0"\} 2$/m)
    assert.equal(text.match(/^cairn_fetched_bytes_total\{/gm)?.length, LABEL_SETS_MAX + 1)
  })

  it('refuses names that break the conventions', () => {
    const refuse = (table: MetricTable): void => assert.throws(() => createMetrics(table, { processMetrics: false }), /metric|histogram/)
    refuse({ fetched_bytes_total: { type: 'counter', help: '' } })
    refuse({ cairn_fetched_bytes: { type: 'counter', help: '' } })
    refuse({ cairn_peers_total: { type: 'gauge', help: '' } })
    refuse({ cairn_fetch_ms: { type: 'histogram', help: '', buckets: [1] } })
    refuse({ cairn_fetch: { type: 'histogram', help: '', buckets: [1] } })
    refuse({ cairn_Fetched_total: { type: 'counter', help: '' } })
  })
})
