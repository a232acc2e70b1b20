import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { rewriteImports, rewriteModuleUrls } from '../scripts/build/compile.ts'
import { publishedManifest } from '../scripts/build/stage.ts'

const run = promisify(execFile)
const root = fileURLToPath(new URL('..', import.meta.url))

describe('the built packages', () => {
  let directory: string
  /** `packages/X` is the built package X; `node_modules` links to these and, for the rest, to what is installed. */
  let packages: string

  before(async () => {
    directory = await mkdtemp(join(tmpdir(), 'cairn-build-'))
    packages = join(directory, 'packages')
    await run(process.execPath, [join(root, 'scripts/build.ts'), packages])
    await linkModules(join(directory, 'node_modules'), packages)
  })
  after(() => rm(directory, { recursive: true, force: true }))

  /** Node that cannot read TypeScript: a `.ts` file anywhere among the imports would end it. */
  const cairn = (...args: string[]): Promise<{ stdout: string; stderr: string }> =>
    run(process.execPath, ['--no-strip-types', join(packages, 'cli/bin/cairn.js'), ...args], { cwd: directory })

  it('run the command line from JavaScript', async () => {
    const { version } = JSON.parse(await readFile(join(root, 'packages/cli/package.json'), 'utf8')) as { version: string }
    assert.equal((await cairn('--version')).stdout.trim(), version)
    assert.match((await cairn('--help')).stdout, /usage/i)
  })

  it('publish, in threads that run JavaScript too', async () => {
    const [state, workspace] = [join(directory, 'state'), join(directory, 'workspace')]
    await mkdir(state)
    await writeFile(join(state, 'file'), 'content')
    await cairn('init', workspace, '--ledger', 'sample')
    assert.match(
      (await cairn('publish', state, '--workspace', workspace, '--ledger', 'sample', '--height', '1')).stdout,
      /published sample@1/,
    )
  })

  it('hold no TypeScript but declarations', async () => {
    const files = await readdir(packages, { recursive: true })
    assert.ok(files.includes(join('runtime', 'src', 'index.d.ts')))
    assert.deepEqual(
      files.filter((file) => file.endsWith('.ts') && !file.endsWith('.d.ts')),
      [],
    )
  })

  it('name what they need, and say who they are', async () => {
    for (const name of await readdir(packages)) {
      const files = await readdir(join(packages, name))
      for (const file of ['LICENSE', 'LICENSE-APACHE', 'LICENSE-MIT', 'README.md', 'package.json', 'src']) {
        assert.ok(files.includes(file), `${name}/${file}`)
      }
      const manifest = await readFile(join(packages, name, 'package.json'), 'utf8')
      assert.doesNotMatch(manifest.replaceAll('.d.ts', ''), /\.ts"/)
    }
  })

  it('can be imported by every name that they export', async () => {
    const names: string[] = []
    for (const directory of await readdir(packages)) {
      const manifest = JSON.parse(await readFile(join(packages, directory, 'package.json'), 'utf8')) as { name: string; exports: object }
      for (const entry of Object.keys(manifest.exports)) names.push(manifest.name + entry.slice(1))
    }
    const script = join(directory, 'import-all.mjs')
    await writeFile(script, names.map((name) => `await import('${name}')\n`).join(''))
    await run(process.execPath, ['--no-strip-types', script])
  })

  it('give their types to TypeScript', async () => {
    await writeFile(
      join(directory, 'consumer.ts'),
      `import { seededRandom } from '@cairn/runtime'\nexport const a: number = seededRandom(1).u32()\n// @ts-expect-error: it is a number\nexport const b: string = seededRandom(1).u32()\n`,
    )
    const options = ['--strict', '--noEmit', '--module', 'nodenext', '--target', 'es2024', '--types', 'node']
    await run(process.execPath, [join(root, 'node_modules/typescript/bin/tsc'), ...options, 'consumer.ts'], { cwd: directory })
  })
})

describe('rewriting', () => {
  it('points worker URLs at JavaScript, and nothing else', () => {
    assert.equal(rewriteModuleUrls(`new URL('./hash-worker.ts', import.meta.url)`), `new URL('./hash-worker.js', import.meta.url)`)
    assert.equal(rewriteModuleUrls(`new URL('../main.ts', base)`), `new URL('../main.ts', base)`)
  })

  it('points declarations at JavaScript', () => {
    assert.equal(rewriteImports(`export { A } from './a.ts';`), `export { A } from './a.js';`)
    assert.equal(rewriteImports(`type B = import("../b.ts").B;`), `type B = import("../b.js").B;`)
    assert.equal(rewriteImports(`import 'pkg/c.ts'; import './d.d.ts';`), `import 'pkg/c.ts'; import './d.d.ts';`)
  })

  it('refuses to publish an export that is not a source file', () => {
    const manifest = { name: 'a', version: '1.0.0', description: '', license: '', engines: {} }
    assert.deepEqual(publishedManifest({ ...manifest, exports: { '.': './src/index.ts' } })['exports'], {
      '.': { types: './src/index.d.ts', default: './src/index.js' },
    })
    assert.throws(() => publishedManifest({ ...manifest, exports: { '.': './test/x.ts' } }), /not a source file/)
  })
})

/** Links every installed package into `target`, and the workspace's own to their built selves. */
async function linkModules(target: string, packages: string): Promise<void> {
  await mkdir(join(target, '@cairn'), { recursive: true })
  for (const name of await readdir(join(root, 'node_modules'))) {
    if (!name.startsWith('.') && name !== '@cairn' && name !== 'cairn') await symlink(join(root, 'node_modules', name), join(target, name))
  }
  for (const directory of await readdir(packages)) {
    const { name } = JSON.parse(await readFile(join(packages, directory, 'package.json'), 'utf8')) as { name: string }
    await symlink(join(packages, directory), join(target, name))
  }
}
