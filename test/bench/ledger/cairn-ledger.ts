import { randomBytes } from 'node:crypto'
import { Agent, request } from 'node:http'
import { join } from 'node:path'
import { ed25519Signer, encodeOperation, type LedgerId, PRESETS, type PresetName, type Signer } from '@cairn/ledger'
import { LedgerClient, readLedgerFile, type StatusResponse, type SubmitOutcome } from '@cairn/replica'
import { runCairn } from '../contenders/cairn.ts'
import type { RoleProcess } from '../process.ts'
import { freePorts } from './ports.ts'
import type { System, Work, Writer } from './system.ts'

/** How many heights further than it knows of a client lets its operations live: some seconds, in which it may hand one in again. */
const LIFETIME_HEIGHTS = 1000

interface SeatsInit {
  readonly preset: PresetName
  readonly isSigned: boolean
  readonly work: string
  /** Where a seat dials the others, by the ports on which they listen; on loopback, all of them, unless told otherwise. */
  readonly peersOf?: (seat: number, ports: readonly number[]) => Promise<readonly string[]>
  /** Whether seats serve their metrics. */
  readonly isObserved?: boolean
}

export interface Seats {
  readonly ledger: LedgerId
  readonly processes: readonly RoleProcess[]
  /** Where clients reach each seat, and where its metrics are. */
  readonly urls: readonly string[]
  readonly statusUrls: readonly string[]
}

/** The seats of a new ledger of `preset`, each a process. */
export async function startSeats({ preset, isSigned, work, peersOf = nearPeers, isObserved = false }: SeatsInit): Promise<Seats> {
  const directory = join(work, 'ledger')
  await using made = runCairn('init', ['ledger', 'init', directory, '--preset', preset, ...(isSigned ? [] : ['--unsigned'])])
  await made.succeeded()
  const { ledger } = await readLedgerFile(directory)
  const ports = await freePorts(PRESETS[preset].n)
  const processes: RoleProcess[] = []
  const urls: string[] = []
  const statusUrls: string[] = []
  try {
    for (const [seat, port] of ports.entries()) {
      const peers = (await peersOf(seat, ports)).flatMap((peer) => ['--peer', peer])
      const args = ['ledger', 'run', directory, '--seat', String(seat), '--listen', addressOf(port), ...peers]
      processes.push(runCairn(`seat ${seat}`, isObserved ? [...args, '--http', '127.0.0.1:0'] : args))
    }
    for (const seat of processes) {
      urls.push((await seat.line(/clients"?,?.*(http:\/\/[\d.:]+)/))[1] ?? '')
      if (isObserved) statusUrls.push((await seat.line(/^http (http:\/\/[\d.:]+)/))[1] ?? '')
    }
  } catch (error) {
    await Promise.all(processes.map((seat) => seat.stop()))
    throw error
  }
  return { ledger, processes, urls, statusUrls }
}

function nearPeers(seat: number, ports: readonly number[]): Promise<readonly string[]> {
  return Promise.resolve(ports.filter((_, other) => other !== seat).map(addressOf))
}

export function addressOf(port: number): string {
  return `/ip4/127.0.0.1/tcp/${port}`
}

/** The seats of a ledger of `preset`, beside each other. */
export async function startCairnLedger(preset: PresetName, isSigned: boolean, work: string): Promise<System> {
  const { ledger, processes, urls } = await startSeats({ preset, isSigned, work })
  return {
    members: processes.length,
    connect: (member) => Promise.resolve(connectClient(urls[member % processes.length] ?? '', ledger, isSigned)),
    work: async () => totalWork(await Promise.all(urls.map((url) => new LedgerClient(url).status()))),
    usage: () => Object.fromEntries(processes.map((seat) => [seat.role, seat.usage])),
    [Symbol.asyncDispose]: async () => void (await Promise.all(processes.map((seat) => seat.stop()))),
  }
}

function totalWork(statuses: readonly StatusResponse[]): Work {
  return {
    syncs: statuses.reduce((sum, { syncs }) => sum + syncs, 0),
    messages: statuses.reduce((sum, { messages }) => sum + messages, 0),
    heights: Math.max(...statuses.map(({ height }) => height)),
  }
}

/** One connection, on which one operation after the other is handed in. */
export function connectClient(url: string, ledger: LedgerId, isSigned: boolean): Writer {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 })
  const signer: Signer = ed25519Signer(randomBytes(32))
  let height = 0
  return {
    async write(key, value) {
      const fields = { client: signer.publicKey, nonce: randomBytes(16), lastHeight: height + LIFETIME_HEIGHTS }
      const { id, body } = encodeOperation(ledger, { ...fields, action: { type: 'put', key, value } }, isSigned ? signer : undefined)
      const outcome = await post(agent, `${url}/v1/submit`, JSON.stringify({ id, body: Buffer.from(body).toString('base64') }))
      if (outcome.type !== 'final' || outcome.result.type !== 'applied') throw new Error(`an operation is ${JSON.stringify(outcome)}`)
      height = outcome.result.height
    },
    close: () => agent.destroy(),
  }
}

function post(agent: Agent, url: string, body: string): Promise<SubmitOutcome> {
  return new Promise((resolve, reject) => {
    const sent = request(url, { method: 'POST', agent }, (response) => {
      const parts: Buffer[] = []
      response.on('data', (part: Buffer) => parts.push(part))
      response.on('end', () => resolve(JSON.parse(Buffer.concat(parts).toString()) as SubmitOutcome))
      response.on('error', reject)
    })
    sent.on('error', reject)
    sent.end(body)
  })
}
