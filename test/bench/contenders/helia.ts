import { fileURLToPath } from 'node:url'
import { RoleProcess } from '../process.ts'
import { NPM_DIRECTORY } from '../tools.ts'
import { listFiles } from '../tree.ts'
import type { Contender } from './contender.ts'

const PEER = fileURLToPath(new URL('helia-peer.mjs', import.meta.url))

/** UnixFS over Bitswap, which finds what it wants at the peers it is connected to. */
export const helia: Contender = {
  name: 'Helia',
  note: 'Helia: TCP, noise and yamux, blocks in memory, no routing, peers given at the start',
  tools: ['helia'],
  async prepare(payload) {
    const files = (await listFiles(payload.directory)).map(({ path }) => path)
    return {
      complete: /^complete$/,
      async startSource(site) {
        const args = [PEER, NPM_DIRECTORY, 'seed', `${site.address}:${site.port}`, payload.directory, ...files]
        const role = new RoleProcess({ role: site.name, ...site.run(process.execPath, args) })
        const [, id = ''] = await role.line(/^listening .*\/p2p\/(\w+ \w+)$/)
        return { role, helpers: [], id }
      },
      startNode(site, { address, port, id }, others) {
        const [peer, root] = id.split(' ') as [string, string]
        const source = [`/ip4/${address}/tcp/${port}/p2p/${peer}`, root]
        const addresses = others.map((other) => `/ip4/${other.address}/tcp/${other.port}`)
        const args = [PEER, NPM_DIRECTORY, 'get', `${site.address}:${site.port}`, site.into, ...source, ...addresses]
        return new RoleProcess({ role: site.name, ...site.run(process.execPath, args) })
      },
    }
  },
}
