import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { shell, STAY } from '../contenders/http.ts'
import { startNginx } from '../contenders/nginx.ts'
import { fileDigest, fileDigests } from '../tree.ts'
import { costOfScript, type Updater } from './updater.ts'

/** What a script does that knows which files changed, and nothing of what is in them. */
export const changedFiles: Updater = {
  name: 'changed files as tar.zst',
  note: 'changed files: the files whose name or content is new, as one archive at level 3 over nginx, unpacked over a copy of the old version; files that are gone are removed',
  tools: ['nginx', 'curl', 'zstd'],
  async prepare({ from, to }, directory) {
    const [old, now] = [await fileDigests(from.directory), await fileDigests(to.directory)]
    const changed = [...now].filter(([path, digest]) => old.get(path) !== digest).map(([path]) => path)
    const gone = [...old.keys()].filter((path) => !now.has(path))
    const archive = join(directory, 'changed.tar.zst')
    const lists = [join(directory, 'changed'), join(directory, 'gone')] as const
    await writeFile(lists[0], changed.map((path) => `${path}\0`).join(''))
    await writeFile(lists[1], gone.map((path) => `${path}\0`).join(''))
    const preparing = await costOfScript('tar', `tar -C "${to.directory}" --null -T "${lists[0]}" -c | zstd -3 -T2 -q -f -o "${archive}"`)
    const digest = await fileDigest(archive)
    return {
      preparing,
      complete: /^complete$/,
      async hold(node) {
        await costOfScript('cp', `cp -a "${from.directory}" "${node.into}"`)
      },
      startSource: async (site) => ({ role: await startNginx(site, directory), helpers: [], id: '' }),
      startNode: (site, { address, port }) =>
        shell(
          site,
          `cd "$INTO" && curl -sSf http://${address}:${port}/changed.tar.zst | tee >(sha256sum > ../digest) | zstd -dcq | tar -x &&
          wait $! && grep -q ^${digest} ../digest && curl -sSf http://${address}:${port}/gone | xargs -0 -r rm -- && ${STAY}`,
        ),
    }
  },
}
