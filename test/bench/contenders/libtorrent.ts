import { execFile } from 'node:child_process'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { RoleProcess } from '../process.ts'
import type { Endpoint, Site } from '../site.ts'
import { PYTHON } from '../tools.ts'
import type { Contender } from './contender.ts'
import { writeTorrent } from './torrent.ts'

const PEER = fileURLToPath(new URL('libtorrent_peer.py', import.meta.url))

/** Torrents of version 1, whose pieces are SHA-1. */
export const libtorrent = libtorrentContender('libtorrent', false)
/** Torrents of version 2: a tree of SHA-256 per file. */
export const libtorrentV2 = libtorrentContender('libtorrent v2', true)

function libtorrentContender(name: string, isVersion2: boolean): Contender {
  return {
    name,
    note: `${name}: TCP, unencrypted, peers given at the start, no limits, ticks of 50 ms, pieces of ${isVersion2 ? 'SHA-256' : 'SHA-1'}`,
    tools: ['libtorrent'],
    async prepare(payload, directory) {
      const torrent = await writeTorrent(payload.directory, directory)
      if (isVersion2) await promisify(execFile)(PYTHON, [PEER, 'make', join(torrent.seedInto, 'state'), torrent.path])
      const start = (role: 'seed' | 'get', site: Site, into: string, peers: readonly Endpoint[]): RoleProcess => {
        const addresses = [site, ...peers].map(({ address, port }) => `${address}:${port}`)
        return new RoleProcess({ role: site.name, ...site.run(PYTHON, [PEER, role, torrent.path, into, ...addresses]) })
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
}
