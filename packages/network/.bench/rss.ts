import { randomBytes } from 'node:crypto'
import { silentLog, systemClock } from '@cairn/runtime'
console.log('before import', (process.memoryUsage.rss() / 2 ** 20) | 0)
const { createLibp2pTransport } = await import('@cairn/network')
console.log('after import', (process.memoryUsage.rss() / 2 ** 20) | 0)
const t = await createLibp2pTransport({ privateKey: randomBytes(32), listen: ['/ip4/127.0.0.1/tcp/0'], clock: systemClock, log: silentLog })
console.log('started', (process.memoryUsage.rss() / 2 ** 20) | 0)
await t.stop()
