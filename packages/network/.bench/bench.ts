import { fork } from 'node:child_process'
import { randomBytes, createHash } from 'node:crypto'
import net from 'node:net'
import { silentLog, systemClock } from '@cairn/runtime'
import { createLibp2pTransport, type Channel } from '@cairn/network'
const P = { name: '/bench/1', frameBytesMax: 8 << 20, channelsPerPeerMax: 16 }
const TOTAL = Number(process.env.TOTAL ?? 1024) * 2 ** 20
const FRAME = Number(process.env.FRAME ?? 262144)
const CH = Number(process.env.CH ?? 1)
const SHA = process.env.SHA === '1'
const mk = () =>
  createLibp2pTransport({ privateKey: randomBytes(32), listen: ['/ip4/127.0.0.1/tcp/0'], clock: systemClock, log: silentLog })
const [mode] = process.argv.slice(2)
if (mode === 'recv') {
  const t = await mk()
  let got = 0,
    start = 0
  await t.handle(P, async (c: Channel) => {
    for (let f = await c.receive(); f; f = await c.receive()) {
      start ||= performance.now()
      if (SHA) createHash('sha256').update(f).digest()
      got += f.byteLength
      if (got >= TOTAL) {
        const u = process.cpuUsage()
        process.send!({
          mibs: (TOTAL / 2 ** 20 / (performance.now() - start)) * 1000,
          cpuS: (u.user + u.system) / 1e6,
          rss: process.memoryUsage.rss() / 2 ** 20,
          mem: JSON.stringify(process.memoryUsage()),
        })
      }
    }
  })
  process.send!(t.addresses()[0])
  process.on('message', async () => {
    await t.stop()
    process.disconnect()
  })
} else if (mode === 'netrecv') {
  let got = 0,
    start = 0
  const s = net
    .createServer((c) =>
      c.on('data', (d) => {
        start ||= performance.now()
        if (SHA) createHash('sha256').update(d).digest()
        got += d.length
        if (got >= TOTAL) {
          process.send!({ mibs: (TOTAL / 2 ** 20 / (performance.now() - start)) * 1000 })
          c.destroy()
          s.close()
          process.disconnect()
        }
      }),
    )
    .listen(0, '127.0.0.1', () => process.send!((s.address() as net.AddressInfo).port))
} else if (mode === 'net') {
  const r = fork(import.meta.filename, ['netrecv'])
  const port = await new Promise<number>((res) => r.once('message', res))
  const c = net.connect(port, '127.0.0.1')
  c.on('error', () => {})
  const f = randomBytes(FRAME)
  r.on('message', (m) => {
    console.log('net', m)
  })
  for (let s = 0; s < TOTAL; s += FRAME) if (!c.write(f)) await new Promise((res) => c.once('drain', res))
} else {
  const r = fork(import.meta.filename, ['recv'], { execArgv: process.env.PROF ? ['--cpu-prof', '--cpu-prof-dir=' + process.env.PROF] : [] })
  const addr = await new Promise<string>((res) => r.once('message', res))
  const t = await mk()
  const peer = await t.dial(addr)
  const f = randomBytes(FRAME)
  const chs = await Promise.all(Array.from({ length: CH }, () => t.open(peer, P)))
  const done = new Promise<void>((res) =>
    r.once('message', (m) => {
      console.log('libp2p', CH, 'ch', m)
      res()
    }),
  )
  let sent = 0
  await Promise.all(
    chs.map(async (c) => {
      while (sent < TOTAL) {
        sent += FRAME
        await c.send(f.subarray(0, 16), f.subarray(16))
      }
    }),
  )
  await done
  const u = process.cpuUsage()
  console.log('sender cpu', (u.user + u.system) / 1e6, 'rss', process.memoryUsage.rss() / 2 ** 20)
  r.send('stop')
  await t.stop()
}
