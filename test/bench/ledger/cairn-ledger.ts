import { randomBytes } from 'node:crypto'
import { Agent, request } from 'node:http'
import { join } from 'node:path'
import { ed25519Signer, encodeOperation, type LedgerId, PRESETS, type PresetName, type Signer } from '@cairn/ledger'
import { LedgerClient, readLedgerFile, type StatusResponse, type SubmitOutcome } from '@cairn/replica'
import { runCairn } from '../contenders/cairn.ts'
import type { RoleProcess } from '../process.ts'
import { freePorts } from './ports.ts'
import type { System, Work, Writer } from './system.ts'

/** Before the heights that a measurement comes to. */
const LIFETIME_HEIGHTS = 60_000

/** The seats of a ledger of `preset`, each a process. */
export async function startCairnLedger(preset: PresetName, isSigned: boolean, work: string): Promise<System> {
  const { n } = PRESETS[preset]
  const directory = join(work, 'ledger')
  await using made = runCairn('init', ['ledger', 'init', directory, '--preset', preset, ...(isSigned ? [] : ['--unsigned'])])
  await made.succeeded()
  const { ledger } = await readLedgerFile(directory)
  const ports = await freePorts(n)
  const addresses = ports.map((port) => `/ip4/127.0.0.1/tcp/${port}`)
  const seats: RoleProcess[] = []
  const urls: string[] = []
  const stop = async (): Promise<void> => void (await Promise.all(seats.map((seat) => seat.stop())))
  try {
    for (const [seat, address] of addresses.entries()) {
      const peers = addresses.filter((other) => other !== address).flatMap((other) => ['--peer', other])
      seats.push(runCairn(`seat ${seat}`, ['ledger', 'run', directory, '--seat', String(seat), '--listen', address, ...peers]))
    }
    for (const seat of seats) urls.push((await seat.line(/clients"?,?.*(http:\/\/[\d.:]+)/))[1] ?? '')
  } catch (error) {
    await stop()
    throw error
  }
  return {
    members: n,
    connect: (member) => Promise.resolve(connect(urls[member % n] ?? '', ledger, isSigned)),
    work: async () => totalWork(await Promise.all(urls.map((url) => new LedgerClient(url).status()))),
    usage: () => Object.fromEntries(seats.map((seat) => [seat.role, seat.usage])),
    [Symbol.asyncDispose]: stop,
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
function connect(url: string, ledger: LedgerId, isSigned: boolean): Writer {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 })
  const signer: Signer = ed25519Signer(randomBytes(32))
  return {
    async write(key, value) {
      const fields = { client: signer.publicKey, nonce: randomBytes(16), lastHeight: LIFETIME_HEIGHTS }
      const { id, body } = encodeOperation(ledger, { ...fields, action: { type: 'put', key, value } }, isSigned ? signer : undefined)
      const outcome = await post(agent, `${url}/v1/submit`, JSON.stringify({ id, body: Buffer.from(body).toString('base64') }))
      if (outcome.type !== 'final' || outcome.result.type !== 'applied') throw new Error(`an operation is ${JSON.stringify(outcome)}`)
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
