import { randomBytes } from 'node:crypto'
import { silentLog, systemClock } from '@cairn/runtime'
import { createLibp2pTransport } from '../../src/index.ts'
import { transportCompliance } from '../../src/testing/compliance.ts'

transportCompliance('libp2p', () => ({
  createTransport: () =>
    createLibp2pTransport({ privateKey: randomBytes(32), listen: ['/ip4/127.0.0.1/tcp/0'], clock: systemClock, log: silentLog }),
}))
