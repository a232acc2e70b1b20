import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect } from 'node:net'
import { describe, it, type TestContext } from 'node:test'
import {
  type Exposition,
  fetchStatus,
  ObservabilityError,
  startStatusServer,
  type StatusServer,
  type StatusServerInit,
} from '../src/index.ts'

const METRICS: Exposition = { contentType: 'text/plain; version=0.0.4', text: async () => 'cairn_up 1\n' }

describe('status server', () => {
  it('answers health, readiness, metrics and status', async (t) => {
    let ready = false
    const server = await start(t, { ready: () => ({ ready, reason: ready ? 'serving' : 'no snapshot is complete yet' }) })
    assert.equal(server.host, '127.0.0.1')
    assert.equal(server.url, `http://127.0.0.1:${server.port}`)
    assert.deepEqual(await get(server, '/healthz'), [200, { healthy: true, reason: 'running' }])
    assert.deepEqual(await get(server, '/readyz'), [503, { ready: false, reason: 'no snapshot is complete yet' }])
    ready = true
    assert.deepEqual(await get(server, '/readyz?verbose'), [200, { ready: true, reason: 'serving' }])
    assert.deepEqual(await get(server, '/status'), [200, { role: 'test' }])
    const metrics = await fetch(`${server.url}/metrics`)
    assert.equal(await metrics.text(), 'cairn_up 1\n')
    assert.equal(metrics.headers.get('content-type'), METRICS.contentType)
    assert.equal(metrics.headers.get('cache-control'), 'no-store')
    assert.equal(metrics.headers.get('x-content-type-options'), 'nosniff')
  })

  it('tells an unhealthy process apart', async (t) => {
    const server = await start(t, { health: () => ({ healthy: false, reason: 'the event loop is blocked' }) })
    assert.deepEqual(await get(server, '/healthz'), [503, { healthy: false, reason: 'the event loop is blocked' }])
  })

  it('serves extra routes, HEAD without a body, and nothing else', async (t) => {
    const server = await start(t, { extraRoutes: { '/': () => ({ contentType: 'text/html', body: '<p>' }) } })
    assert.equal(await (await fetch(server.url)).text(), '<p>')
    const head = await fetch(`${server.url}/status`, { method: 'HEAD' })
    assert.equal(head.status, 200)
    assert.equal(head.headers.get('content-length'), String('{"role":"test"}\n'.length))
    assert.equal(await head.text(), '')
    const post = await fetch(`${server.url}/status`, { method: 'POST', body: 'x' })
    assert.equal(post.status, 405)
    assert.equal(post.headers.get('allow'), 'GET, HEAD')
    assert.equal((await get(server, '/..%2fetc'))[0], 404)
    assert.equal((await get(server, '/__proto__'))[0], 404)
    assert.equal((await fetch(`${server.url}/absent`, { method: 'POST', body: 'x' })).status, 404)
  })

  it('turns a route that throws into a 500 that tells no one why but the owner', async (t) => {
    const errors: unknown[] = []
    const server = await start(t, {
      status: () => {
        throw new Error('inner detail')
      },
      onError: (error, path) => errors.push([path, (error as Error).message]),
    })
    assert.deepEqual(await get(server, '/status'), [500, { error: '/status failed' }])
    assert.deepEqual(errors, [['/status', 'inner detail']])
    assert.equal((await get(server, '/healthz'))[0], 200)
  })

  it('refuses headers beyond its bound', async (t) => {
    const server = await start(t, {})
    const response = await fetch(`${server.url}/healthz`, { headers: { 'x-large': 'x'.repeat(9000) } })
    assert.equal(response.status, 431)
    await response.text()
  })

  it('says where it cannot listen and why', async (t) => {
    const server = await start(t, {})
    await assert.rejects(
      startStatusServer({ port: server.port, ready: () => ({ ready: true, reason: '' }), status: () => ({}), metrics: METRICS }),
      (error) => {
        assert.ok(error instanceof ObservabilityError)
        assert.equal(error.fault.code === 'LISTEN_FAILED' && error.fault.errno, 'EADDRINUSE')
        assert.equal(error.message, `cannot listen on 127.0.0.1:${server.port}: another program is using that port`)
        return true
      },
    )
  })

  it('closes with an idle connection open, twice, and frees the port', async (t) => {
    const server = await start(t, {})
    const socket = connect(server.port, server.host)
    await once(socket, 'connect')
    socket.write('GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n')
    await once(socket, 'data')
    const closed = once(socket, 'close')
    await server.close()
    await closed
    await server.close()
    await start(t, { port: server.port })
  })
})

describe('fetchStatus', () => {
  it('reads the status of a daemon', async (t) => {
    const server = await start(t, {})
    assert.deepEqual(await fetchStatus(server.url, { timeoutMs: 10_000 }), { role: 'test' })
  })

  it('says that nothing listens there', async (t) => {
    const server = await start(t, {})
    await server.close()
    await assert.rejects(
      fetchStatus(server.url, { timeoutMs: 10_000 }),
      (error) =>
        error instanceof ObservabilityError && error.fault.code === 'STATUS_UNREACHABLE' && /nothing listens there/.test(error.message),
    )
  })

  it('gives up after its time', async (t) => {
    const server = await start(t, { metrics: METRICS, extraRoutes: { '/status': () => new Promise(() => {}) } })
    await assert.rejects(
      fetchStatus(server.url, { timeoutMs: 20 }),
      (error) => error instanceof ObservabilityError && error.fault.code === 'STATUS_UNREACHABLE' && /within 20 ms/.test(error.message),
    )
  })

  it('stops when told to', async (t) => {
    const server = await start(t, { extraRoutes: { '/status': () => new Promise(() => {}) } })
    const reason = new Error('stopped')
    await assert.rejects(fetchStatus(server.url, { timeoutMs: 60_000, signal: AbortSignal.abort(reason) }), reason)
  })

  it('refuses what is no status', async (t) => {
    const unreadable = (error: unknown): boolean => error instanceof ObservabilityError && error.fault.code === 'STATUS_UNREADABLE'
    const page = await start(t, { extraRoutes: { '/status': () => ({ contentType: 'text/html', body: '<html>' }) } })
    await assert.rejects(fetchStatus(page.url, { timeoutMs: 10_000 }), unreadable)
    const huge = await start(t, { extraRoutes: { '/status': () => ({ contentType: 'text/html', body: Buffer.alloc(5 * 1024 * 1024) }) } })
    await assert.rejects(fetchStatus(huge.url, { timeoutMs: 10_000 }), unreadable)
    const away = await start(t, { extraRoutes: { '/status': () => ({ code: 404, contentType: 'text/html', body: '' }) } })
    await assert.rejects(fetchStatus(away.url, { timeoutMs: 10_000 }), unreadable)
  })
})

async function start(t: TestContext, init: Partial<StatusServerInit>): Promise<StatusServer> {
  const server = await startStatusServer({
    port: 0,
    ready: () => ({ ready: true, reason: 'serving' }),
    status: () => ({ role: 'test' }),
    metrics: METRICS,
    ...init,
  })
  t.after(() => server.close())
  return server
}

async function get(server: StatusServer, path: string): Promise<[number, unknown]> {
  const response = await fetch(`${server.url}${path}`)
  assert.match(response.headers.get('content-type') ?? '', /^application\/json/)
  return [response.status, await response.json()]
}
