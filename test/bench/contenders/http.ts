import { stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { RoleProcess } from '../process.ts'
import type { Site } from '../site.ts'
import { fileDigest, listFiles } from '../tree.ts'
import type { Contender } from './contender.ts'
import { startNginx } from './nginx.ts'

/** Stays after the last command, so that what the shell and its children cost can be read. */
export const STAY = 'echo complete && exec sleep 86400'

/** Plain files from nginx, as an operator would script it: all at once over some connections, then two checks side by side. */
export const plainHttp: Contender = {
  name: 'nginx + curl + sha256sum',
  tools: ['nginx', 'curl'],
  async prepare({ directory: root }, directory) {
    const files = await listFiles(root)
    const requests = files.map(({ path }) => `url = "http://SOURCE/${encodeURI(path)}"\noutput = "INTO/${path}"\n`)
    await writeFile(join(directory, 'requests'), requests.join(''))
    const sums = await Promise.all(files.map(async ({ path }) => `${await fileDigest(join(root, path))}  ${path}\n`))
    for (const half of [0, 1]) {
      await writeFile(join(directory, `sums.${half}`), sums.filter((_, index) => index % 2 === half).join(''))
    }
    return {
      complete: /^complete$/,
      startSource: async (site) => ({ role: await startNginx(site, root), helpers: [], id: '' }),
      startNode: (site, { address, port }) =>
        shell(
          site,
          `mkdir -p "$INTO" &&
          sed "s|SOURCE|${address}:${port}|; s|INTO|$INTO|" ${directory}/requests | curl -sSf --parallel --parallel-max 8 --create-dirs -K - &&
          cd "$INTO" && printf '%s\\n' ${directory}/sums.0 ${directory}/sums.1 | xargs -P 2 -I FILE sha256sum --quiet -c FILE && ${STAY}`,
        ),
    }
  },
}

/** One compressed archive, hashed and unpacked as it arrives. */
export const tarZst: Contender = {
  name: 'tar.zst over HTTP',
  note: 'tar.zst: compressed before, at level 3',
  tools: ['nginx', 'curl', 'zstd'],
  async prepare(payload, directory) {
    const archive = join(directory, 'state.tar.zst')
    await new RoleProcess({
      role: 'tar',
      command: 'bash',
      args: ['-c', `set -o pipefail; ${tarZstCommand(payload.directory)} > "${archive}"`],
    }).succeeded()
    const digest = await fileDigest(archive)
    return {
      compressedBytes: (await stat(archive)).size,
      complete: /^complete$/,
      startSource: async (site) => ({ role: await startNginx(site, directory), helpers: [], id: '' }),
      startNode: (site, { address, port }) =>
        shell(
          site,
          `mkdir -p "$INTO" && cd "$INTO" &&
          curl -sSf http://${address}:${port}/state.tar.zst | tee >(sha256sum > ../digest) | zstd -dcq | tar -x &&
          wait $! && grep -q ^${digest} ../digest && ${STAY}`,
        ),
    }
  },
}

/** To stdout. What publishing is compared with. */
export function tarZstCommand(directory: string): string {
  return `tar -C "${directory}" -c . | zstd -3 -T2 -q -c`
}

/** `script` in bash, with `$INTO`. */
export function shell(site: Site, script: string): RoleProcess {
  const text = `set -o pipefail; INTO="${site.into}"; ${script}`
  return new RoleProcess({ role: site.name, ...site.run('bash', ['-c', text]), hasChildren: true })
}
