import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import type { Contender } from './contender.ts'
import { shell } from './http.ts'
import { startNginx } from './nginx.ts'

/** Content-defined chunks in a store behind nginx. */
export const casync: Contender = {
  name: 'casync',
  tools: ['casync', 'nginx'],
  async prepare(payload, directory) {
    const args = ['make', `--store=${join(directory, 'state.castr')}`, '--with=unix', join(directory, 'state.caidx'), payload.directory]
    await promisify(execFile)('casync', args)
    return {
      complete: /^complete$/,
      startSource: async (site) => ({ role: await startNginx(site, directory), helpers: [], id: '' }),
      startNode: (site, { address, port }) =>
        shell(
          site,
          `casync extract --with=unix --store=http://${address}:${port}/state.castr http://${address}:${port}/state.caidx "$INTO" &&
          echo complete && exec sleep 86400`,
        ),
    }
  },
}
