export { MemoryNetwork, type MemoryNetworkInit } from '../memory/network.ts'
export type { LinkConditions } from '../memory/pipe.ts'
