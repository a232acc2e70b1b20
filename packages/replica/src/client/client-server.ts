import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { encodeLightProof } from '@cairn/ledger'
import type { Replica } from '../replica.ts'
import { committeeText } from '../epochs/next-committee.ts'
import {
  type CommitteeResponse,
  CONNECTIONS_MAX,
  PATHS,
  READ_MS_MAX,
  type ReadResponse,
  REQUEST_BYTES_MAX,
  type StatusResponse,
  SUBMIT_MS_MAX,
  type SubmitRequest,
} from './protocol.ts'

export interface ClientServerInit {
  readonly replica: Replica
  readonly host: string
  /** 0 takes any free port. */
  readonly port: number
}

export interface ClientServer extends AsyncDisposable {
  readonly url: string
  close(): Promise<void>
}

/** A request that is the client's mistake. */
class BadRequest extends Error {
  override readonly name = 'BadRequest'
}

/**
 * Serves clients of a ledger: submit, read, status, and the proof that leads to the newest checkpoint. Whoever reaches it may use it: operations
 * carry their own signatures, and answers their own proofs.
 *
 * @throws the system's error if it cannot listen
 */
export async function startClientServer({ replica, host, port }: ClientServerInit): Promise<ClientServer> {
  const server = createServer((request, response) => {
    answer(replica, request, response).catch((error: unknown) => {
      if (error instanceof BadRequest) json(response, 400, { error: error.message })
      // Nobody is told what broke: it may name paths and keys.
      else json(response, 500, { error: 'the replica failed to answer' })
    })
  })
  server.maxConnections = CONNECTIONS_MAX
  await new Promise<void>((resolve, reject) => server.once('error', reject).listen(port, host, () => resolve()))
  const { port: bound } = server.address() as AddressInfo
  const close = async (): Promise<void> => {
    const closed = new Promise((resolve) => server.close(resolve))
    server.closeAllConnections()
    await closed
  }
  return { url: `http://${host}:${bound}`, close, [Symbol.asyncDispose]: close }
}

async function answer(replica: Replica, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const [path = '/', query = ''] = (request.url ?? '/').split('?', 2)
  switch (`${request.method ?? ''} ${path}`) {
    case `POST ${PATHS.submit}`: {
      const { id, body } = submitRequest(await bodyOf(request))
      const operation = { id, body: new Uint8Array(Buffer.from(body, 'base64')) }
      return json(response, 200, await within(SUBMIT_MS_MAX, (signal) => replica.submit(operation, signal)))
    }
    case `GET ${PATHS.read}`:
      return await read(replica, new URLSearchParams(query), response)
    case `GET ${PATHS.status}`:
      return json(response, 200, statusOf(replica))
    case `GET ${PATHS.ledger}`:
      return json(response, 200, replica.ledger)
    case `GET ${PATHS.committee}`:
      return json(response, 200, committeeOf(replica))
    case `GET ${PATHS.lightProof}`: {
      const proof = replica.lightProof()
      if (proof === undefined) return json(response, 404, { error: 'no checkpoint has been certified yet, or how its epoch began' })
      response.writeHead(200, { 'content-type': 'application/octet-stream' }).end(encodeLightProof(proof))
      return
    }
    default:
      return json(response, 404, { error: `there is no ${request.method ?? ''} ${path}` })
  }
}

async function read(replica: Replica, parameters: URLSearchParams, response: ServerResponse): Promise<void> {
  const key = Buffer.from(parameters.get('key') ?? '', 'base64url')
  const level = parameters.get('level') ?? 'local'
  if (level !== 'local' && level !== 'final') throw new BadRequest('level is local or final')
  const answered = level === 'local' ? replica.readLocal(key) : await within(READ_MS_MAX, (signal) => replica.readFinal(key, signal))
  if (answered === undefined) return json(response, 503, { error: 'no quorum of seats answered, or this replica is behind them' })
  const { value, height, stateRoot, proof } = answered
  const found: ReadResponse = { level, value: value === undefined ? null : base64(value), height, stateRoot, proof: proof.map(base64) }
  json(response, 200, found)
}

function committeeOf({ committee, progress }: Replica): CommitteeResponse {
  return { epoch: progress.epoch, ...committeeText(committee) }
}

function statusOf(replica: Replica): StatusResponse {
  const { height, stateRoot, progress, checkpoint } = replica
  return { ...progress, height, stateRoot, checkpointHeight: checkpoint?.header.height ?? null }
}

function bodyOf(request: IncomingMessage): Promise<string> {
  // Events and no iterator, which costs more than everything else that is done with a request of some hundred bytes.
  return new Promise((resolve, reject) => {
    const parts: Buffer[] = []
    let bytes = 0
    request.on('data', (part: Buffer) => {
      bytes += part.byteLength
      if (bytes <= REQUEST_BYTES_MAX) parts.push(part)
      else reject(new BadRequest(`more than ${REQUEST_BYTES_MAX} bytes`))
    })
    request.on('end', () => resolve(Buffer.concat(parts).toString('utf8')))
    request.on('error', reject)
  })
}

/** Gives `work` this long; unlike a signal that aborts by itself it leaves no timer behind. */
async function within<Result>(ms: number, work: (signal: AbortSignal) => Promise<Result>): Promise<Result> {
  const over = new AbortController()
  const timer = setTimeout(() => over.abort(), ms)
  try {
    return await work(over.signal)
  } finally {
    clearTimeout(timer)
  }
}

function submitRequest(text: string): SubmitRequest {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (cause) {
    throw new BadRequest('not JSON', { cause })
  }
  if (typeof value !== 'object' || value === null || !('id' in value) || !('body' in value)) throw new BadRequest('no operation')
  const { id, body } = value
  if (typeof id !== 'string' || typeof body !== 'string') throw new BadRequest('no operation')
  return { id, body }
}

function json(response: ServerResponse, code: number, value: unknown): void {
  if (response.headersSent) return
  const text = JSON.stringify(value)
  // With its length it is one piece, and not cut into chunks.
  response.writeHead(code, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) }).end(text)
}

function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('base64')
}
