import { once } from 'node:events'
import { connect as connectHttp2, type ClientHttp2Session } from 'node:http2'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { RoleProcess } from '../process.ts'
import { freePorts } from './ports.ts'
import type { System, Work, Writer } from './system.ts'

const MEMBERS = 3
const PATIENCE_MS = 30_000

/** etcd with three members, on loopback, as it comes: each write is synced by a majority before it is acknowledged. */
export async function startEtcd(work: string): Promise<System> {
  const ports = await freePorts(2 * MEMBERS)
  const urls = ports.map((port) => `http://127.0.0.1:${port}`)
  const names = Array.from({ length: MEMBERS }, (_, index) => `member-${index}`)
  const cluster = names.map((name, index) => `${name}=${urls[index]}`).join(',')
  const members = names.map((name, index) => {
    const [peer = '', client = ''] = [urls[index], urls[MEMBERS + index]]
    const args = ['--name', name, '--data-dir', join(work, name), '--initial-cluster', cluster, '--log-level', 'error']
    args.push('--listen-peer-urls', peer, '--initial-advertise-peer-urls', peer)
    args.push('--listen-client-urls', client, '--advertise-client-urls', client)
    return new RoleProcess({ role: name, command: 'etcd', args })
  })
  const system: System = {
    members: MEMBERS,
    connect: (member) => connect(urls[MEMBERS + (member % MEMBERS)] ?? ''),
    work: async () => await totalWork(urls.slice(MEMBERS)),
    usage: () => Object.fromEntries(members.map((member) => [member.role, member.usage])),
    async [Symbol.asyncDispose]() {
      await Promise.all(members.map((member) => member.stop()))
    },
  }
  try {
    await untilWritable(system)
    return system
  } catch (error) {
    await system[Symbol.asyncDispose]()
    throw error
  }
}

async function untilWritable(system: System): Promise<void> {
  for (const started = performance.now(); ;) {
    try {
      const writer = await system.connect(0)
      await writer.write(Buffer.from('ready'), Buffer.from('yes'))
      return writer.close()
    } catch (error) {
      if (performance.now() - started > PATIENCE_MS) throw error
      await delay(100)
    }
  }
}

/** Syncs of the log only: etcd's backend is synced every 100 ms whatever is written, as Cairn's state is at checkpoints. */
async function totalWork(urls: readonly string[]): Promise<Work> {
  let syncs = 0
  for (const url of urls) {
    const text = await (await fetch(`${url}/metrics`)).text()
    syncs += Number(/^etcd_disk_wal_fsync_duration_seconds_count (\d+)/m.exec(text)?.[1] ?? 0)
  }
  return { syncs }
}

async function connect(url: string): Promise<Writer> {
  const session = connectHttp2(url)
  session.on('error', () => undefined)
  await once(session, 'connect')
  return {
    write: (key, value) => put(session, key, value),
    close: () => session.destroy(),
  }
}

/** `etcdserverpb.KV/Put` over gRPC: five bytes before a message whose fields are 1, the key, and 2, the value. */
function put(session: ClientHttp2Session, key: Uint8Array, value: Uint8Array): Promise<void> {
  const message = Buffer.concat([field(1, key), field(2, value)])
  const head = Buffer.alloc(5)
  head.writeUInt32BE(message.byteLength, 1)
  return new Promise((resolve, reject) => {
    const path = '/etcdserverpb.KV/Put'
    const stream = session.request({ ':method': 'POST', ':path': path, 'content-type': 'application/grpc', te: 'trailers' })
    let status = ''
    const note = (headers: Readonly<Record<string, unknown>>): void => {
      if (typeof headers['grpc-status'] === 'string') status = headers['grpc-status']
    }
    stream.on('response', note)
    stream.on('trailers', note)
    stream.on('error', reject)
    stream.on('close', () => (status === '0' ? resolve() : reject(new Error(`etcd answers with gRPC status ${status}`))))
    stream.resume()
    stream.end(Buffer.concat([head, message]))
  })
}

function field(number: number, bytes: Uint8Array): Uint8Array {
  const length: number[] = []
  for (let left = bytes.byteLength; ; left >>>= 7) {
    length.push(left < 0x80 ? left : (left & 0x7f) | 0x80)
    if (left < 0x80) break
  }
  return Buffer.concat([Uint8Array.of((number << 3) | 2, ...length), bytes])
}
