import { seededRandom, systemClock } from '@cairn/runtime'
import { transportCompliance } from '../../src/testing/compliance.ts'
import { MemoryNetwork, type MemoryNetworkInit } from '../../src/testing/index.ts'

const links: Readonly<Record<string, Partial<MemoryNetworkInit>>> = {
  'memory, ideal links': {},
  'memory, real links': { latencyMs: 1, jitterMs: 1, bytesPerSecond: 2 * 1024 ** 3 },
}

for (const [name, conditions] of Object.entries(links)) {
  transportCompliance(name, () => {
    const network = new MemoryNetwork({ clock: systemClock, random: seededRandom(1), ...conditions })
    let count = 0
    return { createTransport: () => Promise.resolve(network.createTransport(`peer-${count++}`)) }
  })
}
