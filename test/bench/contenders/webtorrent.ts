import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { RoleProcess } from '../process.ts'
import type { Endpoint, Site } from '../site.ts'
import { npmPath } from '../tools.ts'
import type { Contender } from './contender.ts'
import { writeTorrent } from './torrent.ts'

const PEER = fileURLToPath(new URL('webtorrent-peer.mjs', import.meta.url))

export const webtorrent: Contender = {
  name: 'WebTorrent',
  note: 'WebTorrent: TCP, no WebRTC, peers given at the start',
  tools: ['webtorrent'],
  async prepare(payload, directory) {
    const torrent = await writeTorrent(payload.directory, directory)
    const start = (role: 'seed' | 'get', site: Site, into: string, peers: readonly Endpoint[]): RoleProcess => {
      const addresses = [site, ...peers].map(({ address, port }) => `${address}:${port}`)
      const args = [PEER, join(npmPath('webtorrent'), 'index.js'), role, torrent.path, into, ...addresses]
      return new RoleProcess({ role: site.name, ...site.run(process.execPath, args) })
    }
    return {
      complete: /^complete$/,
      async startSource(site) {
        const role = start('seed', site, torrent.seedInto, [])
        await role.line(/^listening$/)
        return { role, helpers: [], id: '' }
      },
      startNode: (site, source, others) => start('get', site, dirname(site.into), [source, ...others]),
    }
  },
}
