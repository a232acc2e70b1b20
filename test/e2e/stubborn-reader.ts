// A peer that asks an origin for every chunk it has, over and over, and reads the answers slowly, or asks without end and reads nothing
// but its first answer;
// as a process of its own.
// Usage: node stubborn-reader.ts WORKSPACE MULTIADDR BYTES_PER_SECOND (0: reads no more)
import { randomBytes } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import { createLibp2pTransport } from '@cairn/network'
import { Workspace } from '@cairn/origin'
import { type CID, decodeExchange, encodeExchange, EXCHANGE_PROTOCOL, WANT_CHUNKS_MAX } from '@cairn/protocol'
import { silentLog, systemClock } from '@cairn/runtime'
import { FsBlockReader } from '@cairn/storage'
import { loadManifest } from '@cairn/swarm'

const DEADLINE_MS = 600_000
const ASKED_MIN = 4096
const REPORT_BYTES = 1024 ** 2

async function read(path: string, address: string, bytesPerSecond: number): Promise<void> {
  const cids = await chunksOf(path)
  const transport = await createLibp2pTransport({ privateKey: randomBytes(32), listen: [], clock: systemClock, log: silentLog })
  const peer = await transport.dial(address)
  const channel = await transport.open(peer, EXCHANGE_PROTOCOL)
  let asked = 0
  const ask = async (): Promise<void> => {
    const first = asked % cids.length
    const wanted = cids.slice(first, first + WANT_CHUNKS_MAX)
    asked += wanted.length
    await channel.send(encodeExchange({ type: 'want', id: asked, deadlineMs: DEADLINE_MS, cids: wanted }))
  }
  channel.closed.addEventListener('abort', () => say({ type: 'closed', reason: String(channel.closed.reason) }), { once: true })
  await ask()
  // More than the origin keeps in its queue. What is sent may still lie in this process, which may be stopped once it has spoken: one answer shows that it left.
  while (bytesPerSecond === 0 && asked < ASKED_MIN) await ask()
  await channel.receive()
  say({ type: 'asked' })
  while (bytesPerSecond === 0) await ask()

  for (let bytes = 0, told = 0, blocks = 0; ;) {
    if (asked - blocks < WANT_CHUNKS_MAX) await ask()
    const frame = await channel.receive()
    if (frame === undefined) return
    const message = decodeExchange(frame)
    if (message.type === 'refuse' || (message.type === 'data' && message.offset + message.slice.byteLength === message.total)) blocks += 1
    bytes += frame.byteLength
    if (bytes - told >= REPORT_BYTES) {
      told = bytes
      say({ type: 'read', bytes })
    }
    await delay((1000 * frame.byteLength) / bytesPerSecond)
  }
}

async function chunksOf(path: string): Promise<readonly CID[]> {
  const workspace = await Workspace.open(path, systemClock)
  await using blocks = new FsBlockReader(workspace.blocksPath)
  const [release] = await workspace.releasesOf(workspace.ledgers[0]!)
  const index = await loadManifest(release!.manifest, blocks)
  return Array.from({ length: index.chunksCount }, (_, chunk) => index.chunkCid(chunk))
}

function say(event: { readonly type: string; readonly [member: string]: unknown }): void {
  process.stdout.write(`${JSON.stringify(event)}\n`)
}

const [path = '', address = '', bytesPerSecond = '0'] = process.argv.slice(2)
await read(path, address, Number(bytesPerSecond))
