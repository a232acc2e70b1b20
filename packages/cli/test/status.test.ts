import assert from 'node:assert/strict'
import { describe, it, type TestContext } from 'node:test'
import { startStatusServer, type StatusReport, type StatusServer } from '@cairn/observability'
import { createMetrics } from '@cairn/observability/metrics'
import { runStatus } from '../src/run/status.ts'
import { FakeHost } from './fake-host.ts'

const REPORT: StatusReport = {
  role: 'node',
  version: '0.1.0',
  peer: '12D3KooWnode',
  addresses: ['/ip4/127.0.0.1/tcp/4001/p2p/12D3KooWnode'],
  uptimeMs: 61_000,
  ready: false,
  reason: 'the bootstrap stage is not placed yet',
  snapshots: [
    { ledger: 'mainnet', height: 1200, manifest: 'bafy', stage: 'bulk', bytes: 512, bytesTotal: 1024, bytesPerSecond: 2048, etaMs: 1000 },
    { ledger: 'mainnet', height: 1100, manifest: 'bafx', stage: 'hot', bytes: 0, bytesTotal: 1024, stall: 'no source is connected' },
  ],
  peers: [
    {
      peer: '12D3KooWbad',
      state: 'banned',
      bytesFetched: 1024,
      bytesServed: 0,
      fault: 'a chunk did not match its identifier',
      faultsCount: 1,
    },
    { peer: '12D3KooWgood', state: 'connected', bytesFetched: 2 ** 30, bytesServed: 10, faultsCount: 0 },
    { peer: '12D3KooWslow', state: 'connected', bytesFetched: 10, bytesServed: 0, faultsCount: 0, dropped: 'too slow' },
  ],
}

describe('status', () => {
  it('shows snapshots, and the peers with whom it blames or does not ask', async (t) => {
    const daemon = await serve(t, REPORT)
    const host = new FakeHost()
    assert.equal(await host.run(['status', `127.0.0.1:${daemon.port}`], { status: runStatus }), 0, host.stderr.text)
    assert.equal(
      host.stdout.text,
      `node at ${daemon.url}: not ready, the bootstrap stage is not placed yet
  peer 12D3KooWnode, version 0.1.0, up 1 min 1 s
  listening /ip4/127.0.0.1/tcp/4001/p2p/12D3KooWnode

SNAPSHOT      STAGE    DONE       OF       RATE  LEFT  NOTE
mainnet@1200  bulk   50.0 %  1.0 KiB  2.0 KiB/s   1 s
mainnet@1100  hot     0.0 %  1.0 KiB                   no source is connected

PEER          STATE      FETCHED  SERVED  FAULTS  LAST FAULT                            DROPPED
12D3KooWbad   banned     1.0 KiB     0 B       1  a chunk did not match its identifier
12D3KooWgood  connected  1.0 GiB    10 B       0
12D3KooWslow  connected     10 B     0 B       0                                        too slow
`,
    )
  })

  it('hands programs all of it, a line for each daemon', async (t) => {
    const daemon = await serve(t, { ...REPORT, type: 'forged', queueCount: 7 })
    const host = new FakeHost()
    assert.equal(await host.run(['status', daemon.url, daemon.url, '--json'], { status: runStatus }), 0, host.stderr.text)
    assert.equal(host.stdout.lines.length, 2)
    assert.deepEqual(JSON.parse(host.stdout.lines[1] ?? ''), { ...REPORT, queueCount: 7, type: 'status', url: daemon.url })
  })

  it('shows those that answer and fails for the one that does not', async (t) => {
    const daemon = await serve(t, REPORT)
    const gone = await serve(t, REPORT)
    await gone.close()
    const host = new FakeHost()
    assert.equal(await host.run(['status', gone.url, daemon.url], { status: runStatus }), 1)
    assert.match(host.stdout.text, /^node at/)
    assert.match(host.stderr.text, /^cairn: no answer from .*: nothing listens there\nhint: check that the daemon runs/)
  })

  it('refuses what is no status, naming the member', async (t) => {
    const daemon = await serve(t, { ...REPORT, peers: [{ peer: 7 }] })
    const host = new FakeHost()
    assert.equal(await host.run(['status', daemon.url], { status: runStatus }), 1)
    assert.match(host.stderr.text, /is not a status: peers\.0\.peer/)
  })
})

async function serve(t: TestContext, status: unknown): Promise<StatusServer> {
  const server = await startStatusServer({
    port: 0,
    ready: () => ({ ready: true, reason: '' }),
    status: () => status,
    metrics: createMetrics({}, { processMetrics: false }).exposition,
  })
  t.after(() => server.close())
  return server
}
