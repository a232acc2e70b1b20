import { link } from 'node:fs/promises'
import { join } from 'node:path'
import { shell, STAY } from '../contenders/http.ts'
import { startNginx } from '../contenders/nginx.ts'
import { costOfScript, type Updater } from './updater.ts'

/** The client finds the blocks that it has, and asks an ordinary server for the ranges between. */
export const zsync: Updater = {
  name: 'zsync',
  note: 'zsync: ranges of the uncompressed archive over nginx, beside an archive of the old version that lies there ready; unpacked afterwards',
  tools: ['zsync', 'nginx'],
  async prepare({ from, to }, directory) {
    const archive = join(directory, 'new.tar')
    await link(to.archive, archive)
    const preparing = await costOfScript('zsyncmake', `cd "${directory}" && zsyncmake -u new.tar -o new.tar.zsync new.tar`)
    return {
      preparing,
      complete: /^complete$/,
      hold: () => Promise.resolve(), // its archive is read only
      startSource: async (site) => ({ role: await startNginx(site, directory), helpers: [], id: '' }),
      startNode: (site, { address, port }) =>
        shell(
          site,
          `mkdir -p "$INTO" && cd "$INTO/.." && zsync -q -i "${from.archive}" -o new.tar http://${address}:${port}/new.tar.zsync 1>&2 &&
          tar -xf new.tar -C "$INTO" && ${STAY}`,
        ),
    }
  },
}
