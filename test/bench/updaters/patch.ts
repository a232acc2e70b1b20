import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import { shell, STAY } from '../contenders/http.ts'
import { startNginx } from '../contenders/nginx.ts'
import { fileDigest } from '../tree.ts'
import { type Change, costOfScript, type Updater } from './updater.ts'

/** Its window over the old version is as large as that: it finds what moved from one end to the other. */
export const xdelta3: Updater = patchUpdater({
  name: 'xdelta3',
  note: 'xdelta3: whole archives, a source window as large as the old one (-B), otherwise as it is; the patch over nginx, applied to an archive of the old version that lies there ready, unpacked as it comes',
  tool: 'xdelta3',
  encode: (old, to, patch, log2) => `xdelta3 -e -q -f -B ${2 ** log2} -s "${old}" "${to}" "${patch}"`,
  decode: (old, patch, log2) => `xdelta3 -d -q -c -B ${2 ** log2} -s "${old}" "${patch}"`,
})

export const zstdPatch: Updater = patchUpdater({
  name: 'zstd --patch-from',
  note: 'zstd --patch-from: the same with level 3 and a window as large as both archives (--long)',
  tool: 'zstd',
  encode: (old, to, patch, log2) => `zstd -3 -q -f --long=${log2 + 1} --patch-from="${old}" "${to}" -o "${patch}"`,
  decode: (old, patch, log2) => `zstd -d -q -c --long=${log2 + 1} --patch-from="${old}" "${patch}"`,
})

interface PatchInit {
  readonly name: string
  readonly note: string
  readonly tool: 'xdelta3' | 'zstd'
  /** `log2`: 2 to that is no less than what either archive has. */
  readonly encode: (old: string, to: string, patch: string, log2: number) => string
  /** To stdout. */
  readonly decode: (old: string, patch: string, log2: number) => string
}

function patchUpdater({ name, note, tool, encode, decode }: PatchInit): Updater {
  return {
    name,
    note,
    tools: [tool, 'nginx', 'curl'],
    async prepare({ from, to }: Change, directory) {
      const log2 = Math.ceil(Math.log2(Math.max((await stat(from.archive)).size, (await stat(to.archive)).size)))
      const patch = join(directory, 'patch')
      const preparing = await costOfScript(name, encode(from.archive, to.archive, patch, log2))
      const digest = await fileDigest(patch)
      return {
        preparing,
        complete: /^complete$/,
        hold: () => Promise.resolve(), // its archive is read only
        startSource: async (site) => ({ role: await startNginx(site, directory), helpers: [], id: '' }),
        startNode: (site, { address, port }) =>
          shell(
            site,
            `mkdir -p "$INTO" && curl -sSf -o "$INTO/../patch" http://${address}:${port}/patch &&
            echo "${digest}  $INTO/../patch" | sha256sum --quiet -c &&
            ${decode(from.archive, '$INTO/../patch', log2)} | tar -x -C "$INTO" && ${STAY}`,
          ),
      }
    },
  }
}
