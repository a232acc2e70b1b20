import { chmod, copyFile, cp, readdir, readFile, writeFile } from 'node:fs/promises'
import { existsSync } from 'node:fs'
import { join } from 'node:path'

/** The fields of a workspace package's manifest that say something to its users. */
interface Manifest {
  readonly name: string
  readonly version: string
  readonly description: string
  readonly license: string
  readonly bin?: Readonly<Record<string, string>>
  readonly exports: Readonly<Record<string, string>>
  readonly dependencies?: Readonly<Record<string, string>>
  readonly engines: Readonly<Record<string, string>>
}

const LICENSES = ['LICENSE', 'LICENSE-APACHE', 'LICENSE-MIT']

/** Puts beside the compiled sources in `out/X` what makes each a package: manifest, commands, README, licences. Returns their names. */
export async function stagePackages(root: string, out: string): Promise<string[]> {
  const names: string[] = []
  for (const directory of (await readdir(join(root, 'packages'))).toSorted()) {
    const source = join(root, 'packages', directory)
    const target = join(out, directory)
    const manifest = JSON.parse(await readFile(join(source, 'package.json'), 'utf8')) as Manifest
    if (!existsSync(target)) throw new Error(`${manifest.name} has no sources`)
    await writeFile(join(target, 'package.json'), `${JSON.stringify(publishedManifest(manifest), null, 2)}\n`)
    await writeFile(join(target, 'README.md'), `# ${manifest.name}\n\n${manifest.description}\n`)
    for (const licence of LICENSES) await copyFile(join(root, licence), join(target, licence))
    if (manifest.bin !== undefined) {
      await cp(join(source, 'bin'), join(target, 'bin'), { recursive: true })
      for (const command of Object.values(manifest.bin)) await chmod(join(target, command), 0o755)
    }
    names.push(manifest.name)
  }
  return names
}

/** Exports point at TypeScript in the workspace, and at what it was compiled to in the published package. */
export function publishedManifest(manifest: Manifest): Readonly<Record<string, unknown>> {
  const { name, version, description, license, bin, exports, dependencies, engines } = manifest
  const targets = Object.entries(exports).map(([entry, target]) => {
    if (!/^\.\/src\/.*\.ts$/.test(target)) throw new Error(`${name} exports ${target}, which is not a source file`)
    const stem = target.slice(0, -'.ts'.length)
    return [entry, { types: `${stem}.d.ts`, default: `${stem}.js` }] as const
  })
  return {
    name,
    version,
    description,
    license,
    type: 'module',
    ...(bin !== undefined && { bin }),
    exports: Object.fromEntries(targets),
    files: [...(bin === undefined ? [] : ['bin']), 'src', ...LICENSES],
    ...(dependencies !== undefined && { dependencies }),
    engines,
    publishConfig: { access: 'public' },
  }
}
