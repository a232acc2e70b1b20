import { mkdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { shell, STAY } from '../contenders/http.ts'
import { startNginx } from '../contenders/nginx.ts'
import { costOfScript, type Updater } from './updater.ts'

/**
 * A static delta in one file. Not `ostree pull`, which (2022.7) fetches the objects of a delta besides the delta as soon as it has
 * the directories and not yet the files.
 */
export const ostree: Updater = {
  name: 'ostree static delta',
  note: 'ostree: a static delta in one file over nginx, without fallback objects, applied to a repository (bare-user) that holds the old commit, checked out with hard links; preparing is commit and delta',
  tools: ['ostree', 'nginx', 'curl'],
  async prepare({ from, to }, directory) {
    const repo = join(directory, 'repo')
    const holder = join(directory, 'holder')
    const served = join(directory, 'served')
    await mkdir(served)
    const commit = (path: string): string => `ostree --repo="${repo}" commit -b state --tree=dir="${path}" --owner-uid=0 --owner-gid=0`
    await costOfScript(
      'ostree',
      `ostree --repo="${repo}" init --mode=archive && ${commit(from.directory)} &&
      ostree --repo="${holder}" init --mode=bare-user && ostree --repo="${holder}" pull-local "${repo}" state`,
    )
    const preparing = await costOfScript(
      'ostree',
      `OLD=$(ostree --repo="${repo}" rev-parse state) && ${commit(to.directory)} > "${join(directory, 'commit')}" &&
      ostree --repo="${repo}" static-delta generate --inline --min-fallback-size=0 --filename="${join(served, 'delta')}" \
      --from=$OLD --to=$(cat "${join(directory, 'commit')}")`,
    )
    const revision = (await readFile(join(directory, 'commit'), 'utf8')).trim()
    return {
      preparing,
      complete: /^complete$/,
      async hold(node) {
        await costOfScript('cp', `cp -a --reflink=auto "${holder}" "${join(node.directory, 'repo')}"`)
      },
      startSource: async (site) => ({ role: await startNginx(site, served), helpers: [], id: '' }),
      startNode: (site, { address, port }) =>
        shell(
          site,
          `cd "\${INTO%/*}" && curl -sSf -o delta http://${address}:${port}/delta && ostree --repo=repo static-delta apply-offline delta >&2 &&
          ostree --repo=repo checkout -U ${revision} "$INTO" && ${STAY}`,
        ),
    }
  },
}
