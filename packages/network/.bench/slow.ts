// A floods B over a slow link on N channels; how long does an echo on a late channel take, and is each channel served?
import { randomBytes } from 'node:crypto'
import net from 'node:net'
import { silentLog, systemClock } from '@cairn/runtime'
import { createLibp2pTransport, type Channel } from '@cairn/network'
const N = Number(process.env.CH ?? 4),
  RATE = Number(process.env.RATE ?? 4) * 2 ** 20
const P = { name: '/bench/1', frameBytesMax: 8 << 20, channelsPerPeerMax: 16 }
const E = { name: '/echo/1', frameBytesMax: 8 << 20, channelsPerPeerMax: 16 }
const mk = () =>
  createLibp2pTransport({ privateKey: randomBytes(32), listen: ['/ip4/127.0.0.1/tcp/0'], clock: systemClock, log: silentLog })
const a = await mk(),
  b = await mk()
const got = new Map<number, number>()
let k = 0
await b.handle(P, async (c: Channel) => {
  const id = k++
  for (let f = await c.receive(); f; f = await c.receive()) got.set(id, (got.get(id) ?? 0) + f.byteLength)
})
await b.handle(E, async (c: Channel) => {
  for (let f = await c.receive(); f; f = await c.receive()) await c.send(f)
})
const port = Number(/tcp\/(\d+)/.exec(b.addresses()[0]!)![1])
const pipe = (from: net.Socket, to: net.Socket) => {
  from.on('error', () => {})
  from.on('data', (d) => {
    from.pause()
    to.write(d)
    setTimeout(() => from.resume(), (d.length / RATE) * 1000)
  })
  from.on('close', () => to.destroy())
}
const proxy = net
  .createServer((c) => {
    const s = net.connect(port, '127.0.0.1')
    pipe(c, s)
    pipe(s, c)
  })
  .listen(0, '127.0.0.1')
await new Promise((r) => proxy.once('listening', r))
const peer = await a.dial(`/ip4/127.0.0.1/tcp/${(proxy.address() as net.AddressInfo).port}/p2p/${b.self}`)
const f = randomBytes(262144)
const chs = await Promise.all(Array.from({ length: N }, () => a.open(peer, P)))
let stop = false
const sends = chs.map(async (c) => {
  while (!stop) await c.send(f.subarray(0, 16), f.subarray(16))
})
const lat: number[] = []
const e = await a.open(peer, E)
for (let i = 0; i < 5; i++) {
  const t = performance.now()
  await e.send(Buffer.from('x'))
  await e.receive()
  lat.push(Math.round(performance.now() - t))
  console.log('echo ms', lat.at(-1))
}
await new Promise((r) => setTimeout(r, 3000))
console.log(
  'per channel KiB',
  [...got.values()].map((v) => v >> 10),
)
stop = true
for (const c of chs) c.abort(new Error('done'))
await Promise.allSettled(sends)
await a.stop()
await b.stop()
proxy.close()
