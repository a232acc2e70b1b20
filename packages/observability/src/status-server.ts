import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { type Clock, systemClock } from '@cairn/runtime'
import { ObservabilityError } from './errors.ts'
import { formatHostPort, HOST_DEFAULT } from './host-port.ts'
import type { Exposition } from './metrics.ts'

export interface Readiness {
  readonly ready: boolean
  /** One sentence for the person who asks why, or what it is ready for. */
  readonly reason: string
}

export interface Health {
  readonly healthy: boolean
  readonly reason: string
}

export interface StatusServerInit {
  /** Default 127.0.0.1. */
  readonly host?: string
  /** 0 takes any free port. */
  readonly port: number
  /** Whether the role does its job: an origin serves fresh metadata, a cache has a snapshot, a node its bootstrap stage. */
  readonly ready: () => Readiness
  /** Whether the process should be left running; without it, answering is proof enough. */
  readonly health?: () => Health
  /** JSON-serialisable. */
  readonly status: () => unknown
  readonly metrics: Exposition
  /** Further GET routes by exact path, such as `/`. */
  readonly extraRoutes?: Readonly<Record<string, Route>>
  /** Hears of a route that threw; the client is only told that it did. */
  readonly onError?: (error: unknown, path: string) => void
  readonly clock?: Clock
}

export type Route = () => Answer | Promise<Answer>

export interface Answer {
  /** HTTP status code, 200 by default. */
  readonly code?: number
  readonly contentType: string
  readonly body: string | Uint8Array
}

export interface StatusServer extends AsyncDisposable {
  readonly host: string
  /** The port that was bound, also where 0 was asked for. */
  readonly port: number
  /** `http://host:port` */
  readonly url: string
  /** Stops accepting, lets requests under way finish for {@link CLOSE_GRACE_MS}, then cuts them. */
  close(): Promise<void>
}

/** An answer takes milliseconds; a second lets a scrape under way finish and keeps a stop prompt. */
export const CLOSE_GRACE_MS = 1000

/** A few monitoring servers and people: enough for them, and no way to exhaust the daemon's file descriptors. */
const CONNECTIONS_MAX = 64
const HEADER_BYTES_MAX = 8 * 1024
/** A client that takes longer to send one GET holds a connection on purpose. */
const REQUEST_MS_MAX = 5000
const KEEP_ALIVE_MS = 15_000

/**
 * Serves `/healthz`, `/readyz`, `/metrics`, `/status` and `extraRoutes` to GET and HEAD.
 *
 * @throws {ObservabilityError} `LISTEN_FAILED`
 */
export async function startStatusServer(init: StatusServerInit): Promise<StatusServer> {
  // Loaded when it is needed: with all that belongs to it, HTTP is a twentieth of what a command without it loads.
  const { createServer } = await import('node:http')
  const host = init.host ?? HOST_DEFAULT
  const routes = new Map<string, Route>([...standardRoutes(init), ...Object.entries(init.extraRoutes ?? {})])
  const server = createServer(
    {
      maxHeaderSize: HEADER_BYTES_MAX,
      headersTimeout: REQUEST_MS_MAX,
      requestTimeout: REQUEST_MS_MAX,
      keepAliveTimeout: KEEP_ALIVE_MS,
      connectionsCheckingInterval: 1000,
    },
    (request, response) => void answer(routes, request, response, init.onError),
  )
  server.maxConnections = CONNECTIONS_MAX
  const port = await listen(server, host, init.port)
  const close = (): Promise<void> => closeServer(server, init.clock ?? systemClock)
  return { host, port, url: `http://${formatHostPort({ host, port })}`, close, [Symbol.asyncDispose]: close }
}

function standardRoutes(init: StatusServerInit): [string, Route][] {
  return [
    ['/healthz', () => health(init.health?.() ?? { healthy: true, reason: 'running' })],
    ['/readyz', () => readiness(init.ready())],
    ['/metrics', async () => ({ contentType: init.metrics.contentType, body: await init.metrics.text() })],
    ['/status', () => json(init.status())],
  ]
}

function health({ healthy, reason }: Health): Answer {
  return json({ healthy, reason }, healthy ? 200 : 503)
}

function readiness({ ready, reason }: Readiness): Answer {
  return json({ ready, reason }, ready ? 200 : 503)
}

function json(value: unknown, code = 200): Answer {
  return { code, contentType: 'application/json; charset=utf-8', body: `${JSON.stringify(value)}\n` }
}

async function answer(
  routes: ReadonlyMap<string, Route>,
  request: IncomingMessage,
  response: ServerResponse,
  onError: StatusServerInit['onError'],
): Promise<void> {
  const path = (request.url ?? '/').split('?', 1)[0] ?? '/'
  const route = routes.get(path)
  const reads = request.method === 'GET' || request.method === 'HEAD'
  // Nobody reads a body here, so a connection that sends one ends with it.
  if (!reads) response.setHeader('connection', 'close')
  if (route === undefined) return send(request, response, json({ error: `there is no ${path} here` }, 404))
  if (!reads) {
    response.setHeader('allow', 'GET, HEAD')
    return send(request, response, json({ error: `${path} answers GET and HEAD` }, 405))
  }
  try {
    send(request, response, await route())
  } catch (error) {
    onError?.(error, path)
    if (response.headersSent) response.destroy()
    else send(request, response, json({ error: `${path} failed` }, 500))
  }
}

function send(request: IncomingMessage, response: ServerResponse, { code, contentType, body }: Answer): void {
  response.writeHead(code ?? 200, {
    'content-type': contentType,
    'content-length': typeof body === 'string' ? Buffer.byteLength(body) : body.byteLength,
    'cache-control': 'no-store',
    'x-content-type-options': 'nosniff',
  })
  if (request.method === 'HEAD') response.end()
  else response.end(body)
}

function listen(server: Server, host: string, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      const fault = {
        code: 'LISTEN_FAILED',
        address: formatHostPort({ host, port }),
        errno: error.code,
        reason: listenReason(error),
      } as const
      reject(new ObservabilityError(fault, { cause: error }))
    })
    server.listen({ host, port }, () => {
      server.removeAllListeners('error')
      resolve((server.address() as AddressInfo).port)
    })
  })
}

function listenReason(error: NodeJS.ErrnoException): string {
  switch (error.code) {
    case 'EADDRINUSE':
      return 'another program is using that port'
    case 'EACCES':
      return 'this user may not use that port'
    case 'EADDRNOTAVAIL':
      return 'this machine does not have that address'
    case 'ENOTFOUND':
      return 'there is no host of that name'
    default:
      return error.message
  }
}

async function closeServer(server: Server, clock: Clock): Promise<void> {
  if (!server.listening) return
  const cut = clock.setTimer(CLOSE_GRACE_MS, () => server.closeAllConnections())
  await new Promise<void>((resolve) => server.close(() => resolve()))
  cut.cancel()
}
