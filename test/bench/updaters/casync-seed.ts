import { join } from 'node:path'
import { shell, STAY } from '../contenders/http.ts'
import { startNginx } from '../contenders/nginx.ts'
import { costOfScript, type Updater } from './updater.ts'

/** Content-defined chunks, of which those of the old version are found by cutting it again. */
export const casyncSeed: Updater = {
  name: 'casync --seed',
  note: 'casync: the new version beside the directory of the old one as --seed; the chunk store, both versions in it, behind nginx',
  tools: ['casync', 'nginx'],
  async prepare({ from, to }, directory) {
    const make = (index: string, path: string): string =>
      `casync make --store="${join(directory, 'state.castr')}" --with=unix "${join(directory, index)}" "${path}" >&2`
    await costOfScript('casync', make('old.caidx', from.directory))
    const preparing = await costOfScript('casync', make('new.caidx', to.directory))
    return {
      preparing,
      complete: /^complete$/,
      hold: () => Promise.resolve(), // the seed is read only
      startSource: async (site) => ({ role: await startNginx(site, directory), helpers: [], id: '' }),
      startNode: (site, { address, port }) =>
        shell(
          site,
          `casync extract --with=unix --seed="${from.directory}" --store=http://${address}:${port}/state.castr \
          http://${address}:${port}/new.caidx "$INTO" && ${STAY}`,
        ),
    }
  },
}
