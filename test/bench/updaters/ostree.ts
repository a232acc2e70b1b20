import { createHash } from 'node:crypto'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { shell, STAY } from '../contenders/http.ts'
import { startNginx } from '../contenders/nginx.ts'
import { cached } from '../data.ts'
import { toolVersion } from '../tools.ts'
import { type Change, type Cost, costOfScript, type Updater } from './updater.ts'

/** Changes when {@link publish} does, so that what an earlier one made is not mistaken for it. */
const PUBLISHED_VERSION = 1

/**
 * A static delta in one file. Not `ostree pull`, which (2022.7) fetches the objects of a delta besides the delta as soon as it has
 * the directories and not yet the files.
 */
export const ostree: Updater = {
  name: 'ostree static delta',
  note:
    'ostree: a static delta in one file over nginx, without fallback objects, applied to a repository (bare-user) that holds the old commit, checked out with hard links; ' +
    'preparing is commit and delta, which takes minutes and is done once for each pair and kept: what is shown is what it took then, besides whatever else ran',
  tools: ['ostree', 'nginx', 'curl'],
  async prepare({ from, to }) {
    const published = await cached(publishedName(from, to), (path) => publish(from, to, path))
    const preparing = JSON.parse(await readFile(join(published, 'cost.json'), 'utf8')) as Cost
    const revision = (await readFile(join(published, 'commit'), 'utf8')).trim()
    return {
      preparing,
      complete: /^complete$/,
      async hold(node) {
        await costOfScript('cp', `cp -a --reflink=auto "${join(published, 'holder')}" "${join(node.directory, 'repo')}"`)
      },
      startSource: async (site) => ({ role: await startNginx(site, join(published, 'served')), helpers: [], id: '' }),
      startNode: (site, { address, port }) =>
        shell(
          site,
          `cd "\${INTO%/*}" && curl -sSf -o delta http://${address}:${port}/delta && ostree --repo=repo static-delta apply-offline delta >&2 &&
          ostree --repo=repo checkout -U ${revision} "$INTO" && ${STAY}`,
        ),
    }
  },
}

/** Equal for equal contents and programs, wherever the versions are. */
function publishedName(from: Change['from'], to: Change['to']): string {
  const of = JSON.stringify([PUBLISHED_VERSION, toolVersion('ostree'), from.digest, to.digest])
  return `ostree-${createHash('sha256').update(of).digest('hex').slice(0, 32)}`
}

/**
 * Makes in `directory`: `served/delta`; `commit`, which it leads to; `holder`, a repository of one who has the old version; and
 * `cost.json`, what the commit and the delta took.
 */
async function publish(from: Change['from'], to: Change['to'], directory: string): Promise<void> {
  const repo = join(directory, 'repo')
  const holder = join(directory, 'holder')
  const served = join(directory, 'served')
  await mkdir(served, { recursive: true })
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
  await writeFile(join(directory, 'cost.json'), JSON.stringify(preparing))
}
