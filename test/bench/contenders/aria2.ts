import { chmod, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { RoleProcess } from '../process.ts'
import type { Site } from '../site.ts'
import type { Contender } from './contender.ts'
import { writeTorrent } from './torrent.ts'

const TRACKER = fileURLToPath(new URL('tracker.ts', import.meta.url))

/** It cannot be told whom to connect to: a tracker beside the source tells it. */
export const aria2: Contender = {
  name: 'aria2 (BitTorrent)',
  tools: ['aria2c'],
  async prepare(payload, directory) {
    const { path, seedInto } = await writeTorrent(payload.directory, directory)
    const whenComplete = join(directory, 'complete')
    await writeFile(whenComplete, '#!/bin/sh\necho complete\n')
    await chmod(whenComplete, 0o755)
    const start = (site: Site, into: string, tracker: string, more: readonly string[]): RoleProcess =>
      new RoleProcess({
        role: site.name,
        ...site.run('aria2c', [...OPTIONS, ...more, ...listenOptions(site), `--bt-tracker=${tracker}`, `--dir=${into}`, path]),
      })
    return {
      complete: /^complete$/,
      async startSource(site) {
        const tracker = new RoleProcess({ role: 'tracker', ...site.run(process.execPath, [TRACKER, site.address, String(site.port + 1)]) })
        await tracker.line(/^listening$/)
        const role = start(site, seedInto, `http://${site.address}:${site.port + 1}/announce`, ['--bt-seed-unverified=true'])
        await tracker.line(/^peer /)
        return { role, helpers: [tracker], id: '' }
      },
      startNode: (site, { address, port }) =>
        start(site, dirname(site.into), `http://${address}:${port + 1}/announce`, [`--on-bt-download-complete=${whenComplete}`]),
    }
  },
}

const OPTIONS = [
  '--no-conf=true',
  '--quiet=false',
  '--console-log-level=error',
  '--summary-interval=0',
  '--show-console-readout=false',
  '--seed-ratio=0.0',
  '--file-allocation=none',
  '--enable-dht=false',
  '--bt-enable-lpd=false',
  '--bt-tracker-interval=1',
  '--bt-max-peers=0',
  '--max-upload-limit=0',
]

function listenOptions({ address, port }: Site): string[] {
  return [`--interface=${address}`, `--listen-port=${port}`]
}
